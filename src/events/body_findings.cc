// SPDX-License-Identifier: Apache-2.0
// What the walk finds wrong: counted, or in strict mode the sentence that refuses the request.
#include <fmt/format.h>

#include "events/internal/body_walk.h"

namespace valetkey::events {
namespace {

constexpr std::array<std::string_view, kDrops> kDropMessages = {
    "account_id must be 1 to 20 digits.",
    "visitors must be a list.",
    "A visitor must be an object with a visitor_id of 1 to 1,024 bytes, and snapshots a list.",
    "A snapshot must be an object, and events a list.",
    "An event must be an object.",
    "An event needs a uuid of 1 to 128 bytes.",
    "An event needs a timestamp in milliseconds, within the years 1 to 9999.",
    "A conversion needs a key or an entity_id.",
    "An event of type campaign_activated needs a decision in its snapshot."};
constexpr std::array<std::string_view, kAlterations> kAlterationMessages = {
    "Text must be valid UTF-8 without lone surrogates.",
    "A number is expected here, and in revenue and quantity one without fraction.",
    "A field has the wrong type.",
    "A text is longer than 1,024 bytes.",
    "A snapshot may have 1,000 decisions, and a visitor 1,000 attributes.",
    "A decision must be an object whose ids are texts or numbers.",
    "An attribute must be an object.",
    "A timestamp must be in milliseconds, and this one reads as seconds."};

}  // namespace

void BodyWalk::drop(Drop why, std::size_t events) {
  const auto i = static_cast<std::size_t>(why);
  intake_.dropped[i] += static_cast<std::uint32_t>(events);
  if (strict_) refuse(kDropMessages[i], {});
}

void BodyWalk::alter(Alteration why, std::string_view field, std::size_t count) {
  const auto i = static_cast<std::size_t>(why);
  intake_.altered[i] += static_cast<std::uint32_t>(count);
  if (strict_) refuse(kAlterationMessages[i], field);
}

void BodyWalk::refuse(std::string_view message, std::string_view field) {
  if (!refusal_)
    refusal_ = IntakeRefusal{IntakeRefusal::Why::malformed, std::string(message) + place(field)};
}

// As far as it is known: " (visitor 1, snapshot 2, field events)".
std::string BodyWalk::place(std::string_view field) const {
  constexpr std::array<std::string_view, 3> kNames = {"visitor", "snapshot", "event"};
  std::string text;
  for (std::size_t i = 0; i < level_; ++i)
    text += fmt::format("{}{} {}", i == 0 ? " (" : ", ", kNames[i], at_[i] + 1);
  if (!field.empty()) text += fmt::format("{}field {}", text.empty() ? " (" : ", ", field);
  return text.empty() ? text : text + ")";
}

void BodyWalk::note(Reading reading, std::string_view field, Alteration unusable) {
  if (reading == Reading::plain) return;
  if (reading == Reading::unusable) return alter(unusable, field);
  if (reading == Reading::mended) return alter(Alteration::text, field);
  if (strict_) refuse(kAlterationMessages[static_cast<std::size_t>(Alteration::shape)], field);
}

}  // namespace valetkey::events
