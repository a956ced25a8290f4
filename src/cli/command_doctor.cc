// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands.h"

namespace valetkey::cli {
namespace {

// One line a check; the first that the others need ends the visit.
class Doctor {
 public:
  explicit Doctor(std::ostream& out) : out_(out) {}
  bool note(const char* check, const Result<std::string>& found) {
    out_ << fmt::format("{:<4} {:<16} {}\n", found ? "ok" : "FAIL", check,
                        found ? *found : found.error().detail);
    out_.flush();
    failed_ = failed_ || !found;
    return found.has_value();
  }
  bool failed() const { return failed_; }

 private:
  std::ostream& out_;
  bool failed_ = false;
};

// Which server answers there, and how far its clock is from ours.
Task<Result<milliseconds>> reach(Context& context, std::string where) {
  http::ClientRequest request;
  auto url = http::Url::parse(where);
  if (!url) co_return std::unexpected(url.error());
  request.url = *url;
  auto answer = co_await context.http().send(std::move(request), 1 << 20);
  if (!answer) co_return std::unexpected(answer.error());
  const std::string* date = answer->header("date");
  const auto theirs = date ? parse_http_date(*date) : Result<Timestamp>(SystemClock().now());
  co_return theirs ? SystemClock().now() - *theirs : milliseconds(0);
}

Result<std::string> clock_verdict(milliseconds skew) {
  const auto off = std::chrono::duration_cast<seconds>(skew).count();
  if (skew > std::chrono::minutes(15) || skew < -std::chrono::minutes(15))
    return fail(
        ErrorCode::invalid,
        fmt::format("this machine is {} s off: set its clock, or signatures are refused", off));
  return fmt::format("within {} s of the server", std::max(2L, std::abs(off) + 1));
}

Result<std::string> refused(const Result<client::Probe>& probe, const char* what) {
  if (!probe) return std::unexpected(probe.error());
  if (probe->status == 403 && probe->fault.code == "AccessDenied")
    return std::string("refused, as it must be");
  return fail(ErrorCode::internal, fmt::format("{} was answered {} {}: tell the operator", what,
                                               probe->status, probe->fault.code));
}

Task<void> look_at_data(Context& context, const client::Grant& grant, Doctor& doctor) {
  auto page = co_await context.data().list_page({});
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
  // The account whose number begins with ours is the one that a careless prefix would open.
  auto neighbour = co_await context.data().probe(
      "GET", "/" + mine.substr(0, mine.size() - 1) + "0/valetkey-doctor", "");
  doctor.note("neighbour", refused(neighbour, "reading another account"));
}

Task<Result<void>> visit(Context& context, Doctor& doctor) {
  const std::string api = context.profile().api;
  auto skew = co_await reach(context, api);
  if (!doctor.note("API",
                   skew ? Result<std::string>(api + " answers") : std::unexpected(skew.error())))
    co_return Result<void>{};
  doctor.note("clock", clock_verdict(*skew));
  auto grant = co_await context.session().get();
  if (!doctor.note("token, exchange",
                   grant ? Result<std::string>("opens " + (*grant)->s3_path() + " until " +
                                               format_iso8601((*grant)->expires))
                         : std::unexpected(grant.error())))
    co_return Result<void>{};
  auto endpoint = co_await reach(context, (*grant)->endpoint);
  if (!doctor.note("endpoint", endpoint ? Result<std::string>((*grant)->endpoint + " answers")
                                        : std::unexpected(endpoint.error())))
    co_return Result<void>{};
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
