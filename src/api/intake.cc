// SPDX-License-Identifier: Apache-2.0
#include "api/intake.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <numeric>

#include "api/routes.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "events/event.h"
#include "http/co_try.h"
#include "http/cors.h"

namespace valetkey::api {
namespace {

using Clock = std::chrono::steady_clock;
using Timer =
    http::asio::basic_waitable_timer<Clock, http::asio::wait_traits<Clock>, http::Executor>;

constexpr std::string_view kKeyHeader = "X-Valetkey-Ingest-Key";
// Above this, parsing would hold up the other requests of the loop: the slowest bodies, of very many
// short tags, take 30 ns a byte, so this is 1 ms.
constexpr std::size_t kSmallBytes = 32 * 1024;

bool is_strict(const http::Request& request) {
  const auto value = request.header("x-optimizely-strict");
  return value && equal_ignoring_case(*value, "true");
}

// Whether the body is gzip; nothing: another encoding.
std::optional<bool> is_zipped(const http::Request& request) {
  const auto encoding = request.header("content-encoding");
  if (!encoding || equal_ignoring_case(*encoding, "identity")) return false;
  if (request.count("content-encoding") == 1 &&
      (equal_ignoring_case(*encoding, "gzip") || equal_ignoring_case(*encoding, "x-gzip")))
    return true;
  return std::nullopt;
}

// What a stranger wrote, as a log and a terminal may show it.
std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// True once in a `period`: `last_ms` is when it was so.
bool is_time(std::atomic<std::int64_t>& last_ms, Timestamp now, milliseconds period) {
  const std::int64_t at = epoch_ms(now);
  std::int64_t last = last_ms.load(std::memory_order_relaxed);
  if (at - last < period.count() && at >= last) return false;
  return last_ms.compare_exchange_strong(last, at, std::memory_order_relaxed);
}

Problem rate_limited(std::string message, milliseconds wait) {
  return {ProblemCode::rate_limited,
          std::move(message),
          std::chrono::ceil<std::chrono::seconds>(wait),
          {}};
}

// A key, where one is sent and asked for, decides alone: servers have one, browsers cannot keep it
// and are known by their origin.
bool is_allowed(const http::Request& request, const control::AccountPolicy& policy) {
  if (const auto key = request.header(kKeyHeader); key && policy.ingest_key_sha256)
    return equal_in_constant_time(as_text(sha256(*key)), *policy.ingest_key_sha256);
  if (policy.origins.empty()) return !policy.ingest_key_sha256;
  const auto origin = request.header("origin");
  return origin && std::ranges::find(policy.origins, *origin) != policy.origins.end();
}

http::Response preflight() {
  http::Response response = no_content();
  response.set("Access-Control-Allow-Methods", "POST");
  response.set("Access-Control-Allow-Headers",
               "Content-Type, Content-Encoding, X-Optimizely-Strict, X-Valetkey-Ingest-Key");
  response.set("Access-Control-Max-Age", "7200");
  return response;
}

// What every answer has in common. A page of any origin may send and read what became of it; only
// the one that the account does not let in learns nothing.
http::Response finish(const http::Request& request, http::Response response) {
  response.set("X-Request-Id", request.id);
  response.set("Vary", "Origin");
  const auto origin = http::origin_of(request);
  if (!origin || response.status() == status_of(ProblemCode::forbidden)) return response;
  http::allow_origin(response, *origin);
  response.set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
  return response;
}

// A coroutine that waits for the log. Touched on its loop only.
struct Waiting {
  explicit Waiting(const http::Executor& loop, milliseconds longest) : timer(loop, longest) {}
  Timer timer;
  std::optional<Result<void>> result;
};

}  // namespace

Intake::Intake(IntakeParts parts, http::asio::thread_pool& blocking, const Options& options)
    : options_(options),
      blocking_(blocking),
      feed_(parts.feed),
      log_(parts.log),
      hooks_(parts.hooks),
      usage_(parts.usage),
      accounts_(parts.store, parts.feed) {}

std::size_t Intake::max_body_bytes(const http::Request&) const {
  return options_.max_intake_body_bytes;
}

http::Response Intake::refuse(int status, const http::Request& head) const {
  return finish(head, api::refuse(status, head.id));
}

http::Task<http::Response> Intake::handle(const http::Request& request) {
  if (request.path != kEventsPath)
    co_return finish(request, to_response(no_such_resource(), request.id));
  if (request.method == http::Method::options) co_return finish(request, preflight());
  if (request.method != http::Method::post)
    co_return finish(request, to_response(wrong_method("POST"), request.id));
  http::Note note;
  const Answer<void> taken = co_await take(request, note);
  http::Response response = taken ? no_content() : to_response(taken.error(), request.id);
  if (taken) response.note() = note;
  response.note().account = std::move(note.account);
  co_return finish(request, std::move(response));
}

http::Task<Answer<void>> Intake::take(const http::Request& request, http::Note& note) {
  if (!feed_.fresh()) co_return drop(unavailable(), "", "unavailable", 1);
  VALETKEY_CO_TRY(Body body, co_await read(request));
  const auto& intake = body.intake;
  const auto sent = std::accumulate(intake.dropped.begin(), intake.dropped.end(), intake.events);
  if (intake.account_id.empty()) {
    count_unknown(request, intake.named, sent);
    (void)drop({}, "", name_of(events::Drop::account_id), sent);
    co_return Answer<void>();
  }
  VALETKEY_CO_TRY(const Account account, co_await look_up(request, intake.account_id));
  if (account->known) note.account = intake.account_id;
  if (!account->active) {
    const bool known = account->known;
    if (!known) count_unknown(request, intake.account_id, sent);
    const auto refused =
        drop({ProblemCode::invalid_request, "This account_id takes no events.", {}, {}},
             known ? intake.account_id : "", known ? "suspended_account" : "unknown_account", sent);
    if (is_strict(request)) co_return refused;
    note.reason = refused.error().note.reason;
    note.detail = "account_id " + intake.account_id;  // digits, or it would not parse
    co_return Answer<void>();
  }
  if (auto admitted = admit(request, body, *account); !admitted) co_return admitted;
  count_losses(intake);
  if (intake.events == 0) co_return Answer<void>();
  if (account->policy.ingest_key_sha256 && !request.header(kKeyHeader))
    events::mark_keyless(body.intake.records);
  co_return co_await store(request, std::move(body));
}

http::Task<Answer<Intake::Body>> Intake::read(const http::Request& request) {
  if (!request.body_complete)
    co_return drop({ProblemCode::too_large, "The body is too large; send fewer events.", {}, {}},
                   "", "too_large", 1);
  const auto zipped = is_zipped(request);
  if (!zipped)
    co_return drop({ProblemCode::unsupported_media_type,
                    "The only Content-Encoding known here is gzip.",
                    {},
                    {}},
                   "", "malformed", 1);
  const std::size_t most =
      *zipped ? std::max<std::size_t>(request.body.size() * options_.intake.max_zip_ratio, 65'536)
              : request.body.size();
  if (most <= kSmallBytes) co_return parse(request, *zipped);
  Turns::Turn turn;
  const bool admitted = co_await wait_for(large_bodies_, turn);
  if (!admitted) co_return drop(unavailable(), "", "unavailable", 1);
  auto work = [this, &request, zipped = *zipped] { return parse(request, zipped); };
  co_return co_await http::run_blocking(blocking_, std::move(work));
}

Answer<Intake::Body> Intake::parse(const http::Request& request, bool zipped) {
  const auto refused = [&](const events::IntakeRefusal& refusal) {
    const bool large = refusal.why == events::IntakeRefusal::Why::too_large;
    if (const auto& unknown = refusal.unknown) {
      count_unknown(request, unknown->named, unknown->events);
      return drop({ProblemCode::invalid_request, refusal.message, {}, {}}, "",
                  name_of(events::Drop::account_id), unknown->events);
    }
    return drop(
        {large ? ProblemCode::too_large : ProblemCode::invalid_request, refusal.message, {}, {}},
        "", large ? "too_large" : "malformed", 1);
  };
  std::string unzipped;
  std::string_view body = request.body;
  if (zipped) {
    auto text = events::unzip(body, options_.intake);
    if (!text) return refused(text.error());
    unzipped = std::move(*text);
    body = unzipped;
  }
  const std::string address = request.client.str();
  auto intake = events::parse_events(body,
                                     {.now = request.now,
                                      .client_address = address,
                                      .user_agent = request.header("user-agent").value_or(""),
                                      .referer = request.header("referer").value_or("")},
                                     is_strict(request), options_.intake);
  if (!intake) return refused(intake.error());
  return Body{std::move(*intake), body.size()};
}

http::Task<Answer<Intake::Account>> Intake::look_up(const http::Request& request,
                                                    const std::string& id) {
  if (auto known = accounts_.find(id)) co_return known;
  Turns::Turn turn;
  const bool admitted = co_await wait_for(look_ups_, turn);
  if (!admitted) co_return drop(unavailable(), "", "unavailable", 1);
  const auto parsed = AccountId::parse(id);
  if (!parsed)
    co_return std::unexpected(hidden_failure(parsed.error(), "reading an account", request.id));
  auto work = [this, account = *parsed] { return accounts_.read(account); };
  const Result<IntakeReading> reading = co_await http::run_blocking(blocking_, std::move(work));
  if (!reading) {
    hidden_failure(reading.error(), "looking up an account", request.id);  // for the log
    co_return drop(unavailable(), "", "unavailable", 1);
  }
  accounts_.remember(id, *reading);
  co_return reading->account;
}

Answer<void> Intake::admit(const http::Request& request, const Body& body,
                           const IntakeAccount& account) {
  if (!is_allowed(request, account.policy))
    return drop({ProblemCode::forbidden,
                 "This account takes events only with its ingest key in X-Valetkey-Ingest-Key, or "
                 "from the origins that it lists.",
                 {},
                 {}},
                body.intake.account_id, "forbidden", body.intake.events);
  if (account.meter && body.intake.events > 0) return meter(request, body, account);
  return {};
}

Answer<void> Intake::meter(const http::Request& request, const Body& body,
                           const IntakeAccount& account) {
  const auto& [policy, meter] = std::tie(account.policy, account.meter);
  const std::size_t events = body.intake.events;
  if (policy.events_per_s > 0)
    if (const auto wait = meter->take_events(events, policy.events_per_s, request.now);
        wait > milliseconds(0))
      return drop(rate_limited("This account sends too many events a second.", wait),
                  body.intake.account_id, "rate_limit", events);
  const std::size_t bytes = std::max(body.bytes, body.intake.records.size());  // sent, and stored
  if (policy.bytes_per_day > 0)
    if (const auto wait = meter->take_bytes(bytes, policy.bytes_per_day, request.now);
        wait > milliseconds(0))
      return drop(rate_limited("This account has sent all that it may today.", wait),
                  body.intake.account_id, "daily_limit", events);
  return {};
}

// The log's thread only posts; the coroutine goes on on its own loop. What comes too late finds
// nobody, and is dropped as a duplicate when the client sends it again.
http::Task<Answer<void>> Intake::store(const http::Request& request, Body body) {
  const http::Executor loop = co_await http::asio::this_coro::executor;
  const auto waiting = std::make_shared<Waiting>(loop, options_.intake_wait);  // with the callback
  const std::size_t events = body.intake.events;
  const events::Route route{body.intake.account_id, body.intake.visitor};
  // The callback gives up its share when it is called: the timer must go on its own loop.
  log_.append(route, std::move(body.intake.records), events,
              [share = waiting, loop](Result<void> result) mutable {
                http::asio::post(loop,
                                 [share = std::move(share), result = std::move(result)]() mutable {
                                   share->result = std::move(result);
                                   share->timer.cancel();
                                 });
              });
  co_await waiting->timer.async_wait(http::asio::as_tuple(http::use_task));
  if (waiting->result && *waiting->result) {
    const auto account = AccountId::parse(body.intake.account_id);
    if (hooks_ != nullptr && account) hooks_->received(*account, events, body.bytes);
    if (usage_ != nullptr && account) usage_->received(*account, request.now, events, body.bytes);
    co_return Answer<void>();
  }
  complain(request, waiting->result ? waiting->result->error().detail : "it took too long");
  co_return drop(unavailable(), body.intake.account_id, "unavailable", events);
}

// Once a second at most: where the log fails, it fails for every request.
void Intake::complain(const http::Request& request, std::string_view detail) {
  if (!is_time(complained_ms_, request.now, milliseconds(1000))) return;
  log::warn("api", "events are refused: the event log does not take them",
            {{"detail", detail}, {"request", request.id}});
}

void Intake::count_losses(const events::Intake& intake) const {
  const auto account = AccountId::parse(intake.account_id);
  if (hooks_ == nullptr || !account) return;
  for (std::size_t i = 0; i < events::kDrops; ++i)
    if (intake.dropped[i] > 0)
      hooks_->dropped(account->str(), name_of(static_cast<events::Drop>(i)), intake.dropped[i]);
  for (std::size_t i = 0; i < events::kAlterations; ++i)
    if (intake.altered[i] > 0)
      hooks_->altered(*account, name_of(static_cast<events::Alteration>(i)), intake.altered[i]);
}

// A mistyped account_id is answered 204, so the operator must be able to see it.
void Intake::count_unknown(const http::Request& request, std::string_view named,
                           std::uint64_t events) {
  if (events == 0) return;
  const std::string shown = printable(named);
  if (hooks_ != nullptr) hooks_->unknown(shown, events);
  unknown_.fetch_add(events, std::memory_order_relaxed);
  if (!is_time(warned_ms_, request.now, std::chrono::minutes(1))) return;
  log::warn("api", "events of accounts that do not exist were dropped",
            {{"events", unknown_.exchange(0, std::memory_order_relaxed)},
             {"account", shown.empty() ? "none named" : shown},
             {"request", request.id}});
}

std::unexpected<Problem> Intake::drop(Problem problem, std::string_view account,
                                      std::string_view reason, std::uint64_t count) const {
  if (hooks_ != nullptr && count > 0) hooks_->dropped(account, reason, count);
  problem.note.reason = reason;
  return std::unexpected(std::move(problem));
}

}  // namespace valetkey::api
