// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "base/json_text.h"
#include "cli/commands.h"
#include "cli/printable.h"
#include "cli/token_end.h"
#include "http/co_try.h"
#include "http/reach.h"

namespace valetkey::cli {
namespace {

// One line a check; the first that the others need ends the visit.
class Doctor {
 public:
  explicit Doctor(std::ostream& out) : out_(out) {}
  bool note(const std::string& check, const Result<std::string>& found) {
    line(found ? "ok" : "FAIL", check, found ? *found : found.error().detail);
    failed_ = failed_ || !found;
    return found.has_value();
  }
  // Nothing is wrong yet.
  void warn(const std::string& check, const std::string& of) { line("warn", check, of); }
  bool failed() const { return failed_; }

 private:
  void line(const char* verdict, const std::string& check, const std::string& text) {
    out_ << fmt::format("{:<4} {:<19} {}\n", verdict, check, printable(text)) << std::flush;
  }
  std::ostream& out_;
  bool failed_ = false;
};

constexpr milliseconds kPatience = seconds(10);
constexpr milliseconds kMostSkew = std::chrono::minutes(15);  // S3 refuses signatures beyond it

std::string words_for(const http::Endpoints& endpoints, const http::Url& url) {
  std::string all;
  for (const auto& endpoint : endpoints)
    all += (all.empty() ? "" : ", ") + endpoint.address().to_string();
  return all == url.host ? url.host + " is an address" : url.host + " is " + all;
}

std::string words_for(http::Stream& connected) {
  boost::system::error_code error;
  const auto peer = connected.socket().remote_endpoint(error);
  return fmt::format("{} takes connections at port {}", peer.address().to_string(), peer.port());
}

// What an S3 endpoint is, by the headers that each kind gives its answers.
std::string engine_of(const http::ClientResponse& answer) {
  const auto value = [&answer](std::string_view name) {
    const std::string* found = answer.header(name);
    return found ? std::string_view(*found) : std::string_view();
  };
  if (value("server").contains("MinIO")) return "MinIO";
  if (value("server").contains("AmazonS3")) return "Amazon S3";
  if (value("x-amz-request-id").starts_with("tx0")) return "Ceph";
  return value("server").empty() && !value("x-amz-id-2").empty() ? "Valetkey" : "another S3";
}

// Of a server that answers, TLS included.
struct Met {
  std::optional<milliseconds> skew;  // how far this clock is ahead of its; none: it does not tell
  std::string engine;
};
Task<Result<Met>> meet(http::Client& http, http::Url url) {
  http::ClientRequest request;
  request.url = std::move(url);
  VALETKEY_CO_TRY(const auto answer, co_await http.send(std::move(request), 1 << 20));
  const std::string* date = answer.header("date");
  const auto theirs = date ? parse_http_date(*date) : fail(ErrorCode::not_found, "no Date");
  Met met{std::nullopt, engine_of(answer)};
  if (theirs) met.skew = SystemClock().now() - *theirs;
  co_return met;
}

// Name, connection, TLS and answer of one server; false where the rest has no sense.
Task<bool> reach(Context& context, Doctor& doctor, std::string who, std::string where,
                 std::optional<milliseconds>& skew) {
  const auto url = http::Url::parse(where);
  if (!url) co_return doctor.note(who + " address", std::unexpected(url.error()));
  const auto endpoints = co_await http::resolve(context.loop(), *url, kPatience);
  if (!doctor.note(who + " name", endpoints ? Result<std::string>(words_for(*endpoints, *url))
                                            : std::unexpected(endpoints.error())))
    co_return false;
  http::Sweeper sweeper(context.loop());
  const auto connected = co_await http::connect(context.loop(), sweeper, *url, *endpoints,
                                                std::chrono::steady_clock::now() + kPatience);
  if (!doctor.note(who + " connection", connected ? Result<std::string>(words_for(**connected))
                                                  : std::unexpected(connected.error())))
    co_return false;
  const auto answer = co_await meet(context.http(), *url);
  if (answer) skew = answer->skew;
  const std::string engine = answer && who == "endpoint" ? "; it is " + answer->engine : "";
  const bool tls = url->scheme == "https";
  co_return doctor.note(who + (tls ? " TLS" : " answer"),
                        answer
                            ? Result<std::string>(where +
                                                  (tls ? " answers, and its certificate is accepted"
                                                       : " answers, without TLS") +
                                                  engine)
                            : std::unexpected(answer.error()));
}

Result<std::string> clock_verdict(std::optional<milliseconds> skew) {
  if (!skew) return std::string("not compared: the server does not tell its time");
  const auto off = std::chrono::duration_cast<seconds>(*skew).count();
  if (*skew > kMostSkew || *skew < -kMostSkew)
    return fail(
        ErrorCode::invalid,
        fmt::format("{} s {} the server's, and signatures are refused beyond 15 minutes: set "
                    "it, for example by `timedatectl set-ntp true`",
                    std::abs(off), off > 0 ? "ahead of" : "behind"));
  return fmt::format("within {} s of the server's", std::max(2L, std::abs(off) + 1));
}

Result<std::string> refused(const Result<client::Probe>& probe, const char* what) {
  if (!probe) return std::unexpected(probe.error());
  if (probe->status == 403 && probe->fault.code == "AccessDenied")
    return std::string("refused, as it must be");
  return fail(ErrorCode::internal, fmt::format("{} was answered {} {}: tell the operator", what,
                                               probe->status, probe->fault.code));
}

Task<void> look_at_data(Context& context, const client::Grant& grant, Doctor& doctor) {
  auto page = co_await context.data().first_page({});
  if (!page) {
    doctor.note("list", std::unexpected(page.error()));
    co_return;
  }
  doctor.note("signature", std::string("accepted"));
  doctor.note("list", page->objects.empty()
                          ? std::string("allowed; there is no data yet")
                          : fmt::format("{} objects on the first page", page->objects.size()));
  for (const auto& object : page->objects) {
    if (object.size == 0) continue;
    client::ReadQuery query;
    query.name = object.key;
    query.end = 1;
    query.whole = object.size == 1;
    auto read =
        co_await context.data().read(query, [](std::string_view) -> Result<void> { return {}; });
    doctor.note("ranged read", read ? Result<std::string>("one byte of " + quote_json(object.key))
                                    : std::unexpected(read.error()));
    break;
  }
  const std::string mine = grant.prefix;
  auto write = co_await context.data().probe("PUT", "/" + mine + "valetkey-doctor", "");
  doctor.note("write", refused(write, "a write"));
  if (!grant.limits.empty()) {
    auto beside = co_await context.data().probe("GET", "/" + mine + "valetkey-doctor", "");
    doctor.note("limits", refused(beside, "a read outside of the token's limits"));
  }
  // The account whose number begins with ours is the one that a careless prefix would open.
  auto neighbour = co_await context.data().probe(
      "GET", "/" + mine.substr(0, mine.size() - 1) + "0/valetkey-doctor", "");
  doctor.note("neighbour", refused(neighbour, "reading another account"));
}

void note_token_end(const client::Grant& grant, Doctor& doctor) {
  const std::string remark = token_end_remark(grant, SystemClock().now());
  if (!remark.empty()) return doctor.warn("token end", remark);
  doctor.note("token end", "it expires at " + format_iso8601(*grant.token_expires));
}

std::string opened_text(const client::Grant& grant) {
  std::string text = "opens " + grant.s3_path() + " until " + format_iso8601(grant.expires);
  if (!grant.limits.empty()) text += fmt::format("; of it only {}", fmt::join(grant.limits, ", "));
  return text;
}

Task<Result<void>> visit(Context& context, Doctor& doctor) {
  std::optional<milliseconds> skew;
  if (!co_await reach(context, doctor, "API", context.profile().api, skew))
    co_return Result<void>{};
  doctor.note("clock", clock_verdict(skew));
  auto grant = co_await context.session().get();
  if (!doctor.note("token, exchange", grant ? Result<std::string>(opened_text(**grant))
                                            : std::unexpected(grant.error())))
    co_return Result<void>{};
  if ((*grant)->token_expires) note_token_end(**grant, doctor);
  if (!co_await reach(context, doctor, "endpoint", (*grant)->endpoint, skew))
    co_return Result<void>{};
  doctor.note("endpoint clock", clock_verdict(skew));
  co_await look_at_data(context, **grant, doctor);
  co_return Result<void>{};
}

}  // namespace

Result<void> run_doctor(client::Profile profile, Streams streams) {
  Doctor doctor(streams.out);
  auto context = make_context(std::move(profile), milliseconds(0));
  if (!doctor.note("settings", context ? Result<std::string>("a token and an API address")
                                       : std::unexpected(context.error())))
    return fail(ErrorCode::invalid, "a check failed");
  VALETKEY_CHECK((*context)->run(visit(**context, doctor)));
  if (doctor.failed()) return fail(ErrorCode::invalid, "a check failed");
  return {};
}

}  // namespace valetkey::cli
