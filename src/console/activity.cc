// SPDX-License-Identifier: Apache-2.0
#include "console/activity.h"

#include <charconv>
#include <map>

#include "console/internal/parameters.h"
#include "control/audit.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using control::AuditEvent;

// Where a page ended: the instant of its last record, and how many of that instant were shown.
struct Cursor {
  Timestamp at;
  std::size_t shown = 0;
};

std::string text_of(const Cursor& cursor) {
  return std::to_string(epoch_ms(cursor.at)) + "." + std::to_string(cursor.shown);
}

std::optional<Cursor> parse_cursor(std::string_view text) {
  std::int64_t at = 0;
  std::size_t shown = 0;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto whole = [](std::string_view digits, auto& number) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!whole(text.substr(0, dot), at) || !whole(text.substr(dot + 1), shown)) return std::nullopt;
  if (at < 0 || at > epoch_ms(Timestamp(parse_date("9999-12-31").value())) || shown > 100'000)
    return std::nullopt;
  return Cursor{from_epoch_ms(at), shown};
}

// Ids, and what people call them.
class Names {
 public:
  static Result<Names> read(control::ControlStore& store, const AccountId& account) {
    Names names;
    VALETKEY_TRY(const auto users, store.users(account));
    for (const auto& user : users) names.names_.emplace(user.id.str(), user.email);
    VALETKEY_TRY(const auto tokens, store.tokens(account, {}));
    for (const auto& token : tokens) names.names_.emplace(token.id.str(), token.name);
    return names;
  }
  json::value of(const std::string& id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? json::value(nullptr) : json::value(found->second);
  }

 private:
  std::map<std::string, std::string> names_;
};

json::object document_of(const AuditEvent& event, const Names& names) {
  json::value actor = nullptr;
  const json::value email = names.of(event.actor);
  if (!email.is_null())
    actor = json::object{{"id", event.actor}, {"email", email}};
  else if (!event.actor.empty())
    actor = event.actor;
  return {{"at", format_iso8601_ms(event.at)},
          {"action", event.action},
          {"outcome", event.outcome},
          {"actor", std::move(actor)},
          {"subject", event.subject},
          {"subject_name", names.of(event.subject)},
          {"from", event.client},
          {"count", event.count},
          {"detail", event.detail}};
}

}  // namespace

struct Activity::Wanted {
  control::AuditFilter filter;
  std::size_t limit = 100;
  std::optional<Cursor> before;
};

Answer<Activity::Wanted> Activity::read_wanted(const Call& call) {
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  Wanted wanted;
  VALETKEY_TRY(wanted.limit, parameters.limit());
  VALETKEY_TRY(const api::Days days, api::read_days(call.query));
  if (days.since != Date::min()) wanted.filter.since = Timestamp(days.since);
  if (days.until != Date::max())
    wanted.filter.until = Timestamp(days.until + std::chrono::days(1)) - milliseconds(1);
  wanted.filter.account = account_of(call);
  wanted.filter.action = parameters.text("action");
  if (const std::string before = parameters.text("before"); !before.empty()) {
    wanted.before = parse_cursor(before);
    if (!wanted.before)
      return api::problem(ProblemCode::invalid_parameter,
                          "before must be the next of the page before.");
    wanted.filter.until =
        std::min(wanted.filter.until.value_or(wanted.before->at), wanted.before->at);
  }
  const std::string email = parameters.text("user");
  if (!call.who->is_admin()) {
    VALETKEY_CHECK(narrow_to(call, call.who->user, wanted.filter));
  } else if (!email.empty()) {
    auto user = store_.user_by_email(email);
    if (!user || user->account != account_of(call))
      return api::problem(ProblemCode::invalid_parameter, "user is nobody of this account.");
    VALETKEY_CHECK(narrow_to(call, *user, wanted.filter));
  }
  return wanted;
}

Answer<void> Activity::narrow_to(const Call& call, const control::User& user,
                                 control::AuditFilter& filter) {
  VALETKEY_TRY(const auto tokens,
               or_hide(store_.tokens(user.account, user.id), "listing tokens", call));
  filter.about.insert(user.id.str());
  for (const auto& token : tokens) filter.about.insert(token.id.str());
  return {};
}

Answer<Reply> Activity::list(const Call& call) {
  VALETKEY_TRY(Wanted wanted, read_wanted(call));
  const std::size_t shown = wanted.before ? wanted.before->shown : 0;
  wanted.filter.newest = shown + wanted.limit + 1;
  std::vector<AuditEvent> found;
  VALETKEY_CHECK(or_hide(audit_(wanted.filter, [&](const AuditEvent& e) { found.push_back(e); }),
                         "reading the audit log", call));
  VALETKEY_TRY(const Names names, or_hide(Names::read(store_, account_of(call)), "naming", call));
  std::ranges::reverse(found);
  found.erase(found.begin(),
              found.begin() + static_cast<std::ptrdiff_t>(std::min(shown, found.size())));
  const bool more = found.size() > wanted.limit;
  if (more) found.resize(wanted.limit);
  json::array records;
  for (const AuditEvent& event : found) records.push_back(document_of(event, names));
  json::value next = nullptr;
  if (more) {
    Cursor cursor{found.back().at, 0};
    for (const AuditEvent& event : found) cursor.shown += event.at == cursor.at ? 1 : 0;
    if (wanted.before && wanted.before->at == cursor.at) cursor.shown += shown;
    next = text_of(cursor);
  }
  return reply_with({{"records", std::move(records)}, {"next", std::move(next)}});
}

Answer<Reply> Activity::usage(const Call& call) {
  VALETKEY_TRY(const api::Days days, api::read_days(call.query));
  VALETKEY_TRY(const auto usage, or_hide(store_.usage(account_of(call), days.since, days.until),
                                         "reading usage", call));
  VALETKEY_TRY(const auto stored, or_hide(stored_(account_of(call)), "reading sums", call));
  return reply_with(api::usage_document(account_of(call), stored, usage));
}

}  // namespace valetkey::console
