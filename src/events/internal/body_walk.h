// SPDX-License-Identifier: Apache-2.0
// Walks one parsed body of the Event API, level by level: request, visitors, snapshots, events. A
// field that cannot be used costs that field; an event goes only where it has no visitor, no uuid,
// no timestamp or nothing to name it by. Both are counted, or in strict mode end the walk. For one
// body.
#pragma once

#include <simdjson.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "events/intake.h"
#include "events/internal/json_text.h"

namespace valetkey::events {

class BodyWalk {
 public:
  // All of it outlives the walk.
  BodyWalk(const IntakeContext& context, bool strict, const IntakeLimits& limits, JsonText& json)
      : context_(context), strict_(strict), limits_(limits), json_(json) {}
  Result<Intake, IntakeRefusal> walk(const simdjson::dom::object& body);

 private:
  using Element = simdjson::dom::element;
  using Array = simdjson::dom::array;
  using Object = simdjson::dom::object;

  // True once the walk is over.
  bool stopped() const { return refusal_.has_value(); }
  void drop(Drop why, std::size_t events);
  void alter(Alteration why, std::string_view field, std::size_t count = 1);
  void refuse(std::string_view message, std::string_view field);
  std::string place(std::string_view field) const;
  void note(Reading reading, std::string_view field, Alteration unusable = Alteration::shape);

  // A field's text, cut where it is longer than kMaxTextBytes.
  void short_text(const Element& value, std::string_view field, Text& out);
  void cut(std::string_view field, Text& text);
  std::optional<Array> list(const Element& value, std::string_view field);

  void request(const Object& body);
  void drop_all(std::string named, const Array* visitors);  // of an account that cannot be
  void fill_context(const Element* anonymize);
  void visitor(const Element& value);
  void attributes(const Element& value);
  void snapshot(const Element& value);
  void decisions(const Element& value);
  bool read_decision(const Element& item, Decision& into);
  void event(const Element& value);
  void event_field(std::string_view key, const Element& value);
  void tags(const Element& value);
  void keep_first_tags();

  bool is_activation() const;
  void keep();
  void choose_decisions();
  bool fits();

  const IntakeContext& context_;
  const bool strict_;
  const IntakeLimits& limits_;
  JsonText& json_;
  Intake intake_;
  EventWriter writer_{intake_.records};
  Event event_;
  std::string address_, user_agent_, referer_;
  std::vector<Decision> decisions_;                    // of the snapshot
  std::vector<std::uint32_t> chosen_;                  // of them, where the event has not all
  std::size_t request_bytes_ = 0, visitor_bytes_ = 0;  // of text, in each row
  std::size_t row_values_ = 0, row_bytes_ = 0;         // of the request so far
  // For messages: which visitor, snapshot and event, and how deep the walk is.
  std::array<std::size_t, 3> at_{};
  std::size_t level_ = 0;
  std::optional<IntakeRefusal> refusal_;
};

}  // namespace valetkey::events
