// SPDX-License-Identifier: Apache-2.0
#include "client/export.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "http/co_try.h"

namespace valetkey::client {
namespace {

constexpr std::array<std::string_view, 5> kPassing = {
    "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted"};

constexpr std::string_view kExpired = "ExpiredToken";
constexpr unsigned kGarbledAttempts = 4;  // a proxy's own page may pass

std::string sentence(const S3Fault& fault, int status) {
  std::string text = std::to_string(status);
  if (!fault.code.empty()) text += " " + fault.code;
  if (!fault.message.empty()) text += " (" + fault.message + ")";
  return text;
}

std::unexpected<Error> refusal(const std::string& what, const http::ClientResponse& answer) {
  const S3Fault fault = parse_fault(answer.body);
  const std::string why = sentence(fault, answer.status);
  if (answer.status >= 500 || answer.status == 429 ||
      std::ranges::find(kPassing, fault.code) != kPassing.end())
    return fail(ErrorCode::unavailable, what + ": the endpoint answers " + why);
  // Said of fresh credentials, after those before had been replaced.
  if (fault.code == kExpired)
    return fail(ErrorCode::corrupt,
                what + ": the endpoint calls new credentials expired: is its clock right?");
  if (answer.status == 404)
    return fail(ErrorCode::not_found, what + ": there is none in the export");
  if (answer.status == 412)
    return fail(ErrorCode::busy, what + " was replaced while it was read: run again");
  if (answer.status == 416)
    return fail(ErrorCode::corrupt, what + " is shorter than the endpoint said");
  if (fault.code == "RequestTimeTooSkewed")
    return fail(ErrorCode::denied,
                "the clock of this machine is wrong: the endpoint answers " + why);
  if (answer.status == 401 || answer.status == 403)
    return fail(ErrorCode::denied, what + ": the endpoint answers " + why);
  return fail(ErrorCode::corrupt,
              what + ": the endpoint answers " + why + ", not as S3 does: is a proxy in between?");
}

void add(std::string& query, std::string_view name, std::string_view value) {
  if (!query.empty()) query += '&';
  query.append(name).append("=").append(percent_encode(value));
}

// Sorted by name, as the signature wants it.
std::string query_of(const ListQuery& list, const std::string& prefix,
                     const std::string& continuation) {
  std::string query;
  if (!continuation.empty()) add(query, "continuation-token", continuation);
  if (!list.delimiter.empty()) add(query, "delimiter", list.delimiter);
  add(query, "encoding-type", "url");
  add(query, "list-type", "2");
  add(query, "max-keys", std::to_string(list.max_keys));
  add(query, "prefix", prefix + list.prefix);
  if (!list.start_after.empty()) add(query, "start-after", prefix + list.start_after);
  return query;
}

// Takes the account's folder off; `corrupt` for a key that was not asked for.
Result<void> make_relative(std::string& name, const std::string& base, const std::string& wanted) {
  if (!name.starts_with(base) || !std::string_view(name).substr(base.size()).starts_with(wanted))
    return fail(ErrorCode::corrupt, "the endpoint lists names that do not begin as asked");
  name.erase(0, base.size());
  return {};
}

Result<void> make_relative(ListingPage& page, const std::string& base, const std::string& wanted) {
  for (ListedObject& object : page.objects) VALETKEY_CHECK(make_relative(object.key, base, wanted));
  for (std::string& prefix : page.common_prefixes)
    VALETKEY_CHECK(make_relative(prefix, base, wanted));
  return {};
}

ReadFacts facts_of(const http::ClientResponse& answer) {
  const std::string* encryption = answer.header("x-amz-server-side-encryption");
  const bool own_key = answer.header("x-amz-server-side-encryption-customer-algorithm") != nullptr;
  ReadFacts facts{.etag_may_be_md5 = !own_key && (!encryption || *encryption == "AES256"),
                  .crc32 = {}};
  const std::string* type = answer.header("x-amz-checksum-type");
  const std::string* checksum = answer.header("x-amz-checksum-crc32");
  // Beside a range it may be that of the range.
  if (answer.status == 200 && checksum && (!type || *type == "FULL_OBJECT"))
    facts.crc32 = parse_checksum(*checksum);
  return facts;
}

constexpr std::pair<const char*, const char*> kAskForChecksum{"x-amz-checksum-mode", "ENABLED"};

}  // namespace

std::optional<std::uint32_t> parse_checksum(std::string_view text) {
  const auto bytes = unbase64(text);
  if (!bytes || bytes->size() != sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t crc = 0;
  for (const char byte : *bytes) crc = crc << 8 | static_cast<std::uint8_t>(byte);
  return crc;
}

Export::Export(http::asio::io_context& loop, http::Client& http, Session& session,
               const Clock& clock, RetryOptions retry)
    : loop_(loop), http_(http), session_(session), clock_(clock), retry_(retry) {}

Result<http::ClientRequest> Export::sign(const Wanted& wanted, const Grant& grant) const {
  http::ClientRequest request;
  VALETKEY_TRY(request.url, http::Url::parse(grant.endpoint));
  sigv4::ToSign sign;
  sign.method = request.method = wanted.method;
  sign.path = "/" + percent_encode(grant.bucket, true) + wanted.path;
  sign.query = wanted.query;
  sign.region = grant.region;
  sign.headers = wanted.headers;
  sign.headers.emplace_back("Host", request.url.authority());
  request.headers = sign.headers;
  for (auto& header : sigv4::sign_headers(sign, grant.keys, clock_.now()))
    request.headers.push_back(std::move(header));
  request.url.target = sign.path + (sign.query.empty() ? "" : "?" + sign.query);
  return request;
}

http::Task<Result<http::ClientResponse>> Export::send(
    Wanted wanted, const Sink& sink, std::function<Result<void>(std::uint64_t)> announced) {
  auto grant = co_await session_.get();
  for (int round = 0;; ++round) {
    if (!grant) co_return std::unexpected(grant.error());
    VALETKEY_CO_TRY(auto request, sign(wanted, **grant));
    if (retry_.monitor) retry_.monitor->asked((*grant)->endpoint);
    auto answer = sink ? co_await http_.send(std::move(request), sink, announced)
                       : co_await http_.send(std::move(request), kMaxListingBytes);
    const bool expired =
        answer && answer->status == 400 && parse_fault(answer->body).code == kExpired;
    if (!expired || round > 0) co_return answer;
    grant = co_await session_.replace(*grant);
  }
}

http::Task<Result<Probe>> Export::probe(std::string method, std::string path, std::string query) {
  Wanted wanted;
  wanted.method = std::move(method);
  wanted.path = percent_encode(path, true);
  wanted.query = std::move(query);
  VALETKEY_CO_TRY(auto answer, co_await send(std::move(wanted), nullptr));
  co_return Probe{answer.status, parse_fault(answer.body)};
}

http::Task<bool> Export::may_retry(Failures& failures, ErrorCode code, Error why) {
  if (code != ErrorCode::unavailable) co_return false;
  const auto now = std::chrono::steady_clock::now();
  if (failures.count++ == 0) failures.give_up = now + retry_.patience;
  const auto left = std::chrono::ceil<milliseconds>(failures.give_up - now);
  if (left <= milliseconds(0)) co_return false;
  if (retry_.monitor) retry_.monitor->failed(why, failures.give_up);
  co_await pause(
      loop_, std::min(left, backoff(failures.count - 1, retry_.first_pause, retry_.longest_pause)));
  co_return true;
}

http::Task<Result<ListingPage>> Export::list_page(ListQuery query, std::string continuation) {
  const std::string what = "listing " + (query.prefix.empty() ? "the export" : query.prefix);
  const StallMonitor::Call call(retry_.monitor);
  Failures failures;
  for (unsigned garbled = 0;;) {
    VALETKEY_CO_TRY(auto grant, co_await session_.get());
    const std::string base = grant->prefix;
    auto answer = co_await send({"GET", "", query_of(query, base, continuation), {}}, nullptr);
    Result<ListingPage> page;
    if (!answer) {
      page = std::unexpected(answer.error());
    } else if (answer->status != 200) {
      page = refusal(what, *answer);
    } else {
      page = parse_listing(answer->body);
      if (page) {
        if (auto fine = make_relative(*page, base, query.prefix); !fine)
          page = std::unexpected(fine.error());
      }
    }
    if (page) moved();
    if (page) co_return page;
    ErrorCode code = page.error().code;
    garbled = code == ErrorCode::corrupt ? garbled + 1 : 0;
    if (garbled > 0 && garbled < kGarbledAttempts) code = ErrorCode::unavailable;
    if (!co_await may_retry(failures, code, page.error())) co_return page;
  }
}

http::Task<Result<ListingPage>> Export::list_all(ListQuery query) {
  ListingPage all;
  std::string continuation;
  do {
    auto page = co_await list_page(query, continuation);
    if (!page) co_return page;
    if (!page->continuation.empty() && page->continuation == continuation)
      co_return fail(ErrorCode::corrupt, "the endpoint lists the same page again and again");
    continuation = page->continuation;
    std::ranges::move(page->objects, std::back_inserter(all.objects));
    std::ranges::move(page->common_prefixes, std::back_inserter(all.common_prefixes));
  } while (!continuation.empty());
  co_return all;
}

std::vector<Export::Allowed> Export::allowed_of(const ListQuery& query, const Grant& grant) {
  std::vector<Allowed> all;
  for (const std::string& opened : grant.opened_of(query.prefix)) {
    Allowed allowed{query, {}};
    allowed.query.prefix = opened;
    const auto end = query.delimiter.empty() ? std::string::npos
                                             : opened.find(query.delimiter, query.prefix.size());
    if (opened != query.prefix && end != std::string::npos) {
      allowed.folder = opened.substr(0, end + query.delimiter.size());
      allowed.query.delimiter.clear();
      allowed.query.max_keys = 1;  // whether there is anything
    }
    all.push_back(std::move(allowed));
  }
  return all;
}

http::Task<Result<ListingPage>> Export::first_page(ListQuery query) {
  VALETKEY_CO_TRY(const auto grant, co_await session_.get());
  for (Allowed& allowed : allowed_of(query, *grant)) {
    auto page = co_await list_page(std::move(allowed.query));
    if (!page || !page->objects.empty() || !page->common_prefixes.empty()) co_return page;
  }
  co_return ListingPage{};
}

http::Task<Result<ListingPage>> Export::list(ListQuery query) {
  VALETKEY_CO_TRY(const auto grant, co_await session_.get());
  ListingPage all;
  for (Allowed& allowed : allowed_of(query, *grant)) {
    auto page = allowed.folder.empty() ? co_await list_all(std::move(allowed.query))
                                       : co_await list_page(std::move(allowed.query));
    if (!page) co_return page;
    if (!allowed.folder.empty()) {
      const bool there =
          !page->objects.empty() &&
          std::ranges::find(all.common_prefixes, allowed.folder) == all.common_prefixes.end();
      *page = {};
      if (there) page->common_prefixes.push_back(allowed.folder);
    }
    std::ranges::move(page->objects, std::back_inserter(all.objects));
    std::ranges::move(page->common_prefixes, std::back_inserter(all.common_prefixes));
  }
  co_return all;
}

http::Task<Result<http::ClientResponse>> Export::read_once(const ReadQuery& query,
                                                           std::uint64_t from, std::string& version,
                                                           const Sink& sink, bool& misfit) {
  VALETKEY_CO_TRY(auto grant, co_await session_.get());
  Wanted wanted;
  wanted.path = "/" + percent_encode(grant->prefix + query.name, true);
  const bool ranged = !query.whole || from > query.begin;
  if (ranged)
    wanted.headers.emplace_back(
        "Range", "bytes=" + std::to_string(from) + "-" + std::to_string(query.end - 1));
  else
    wanted.headers.emplace_back(kAskForChecksum);
  if (!version.empty()) wanted.headers.emplace_back("If-Match", "\"" + version + "\"");
  // Said before any of the body comes: an answer that states a terabyte is not waited for.
  const auto announced = [&query, &misfit, from](std::uint64_t bytes) -> Result<void> {
    misfit = bytes != query.end - from;
    if (!misfit) return {};
    return fail(ErrorCode::corrupt, query.name + ": the endpoint states " + std::to_string(bytes) +
                                        " bytes where " + std::to_string(query.end - from) +
                                        " were asked for: is a proxy in between?");
  };
  auto answer = co_await send(std::move(wanted), sink, announced);
  if (!answer) co_return answer;
  if (answer->status != (ranged ? 206 : 200)) {
    if (answer->status / 100 == 2)
      co_return fail(ErrorCode::corrupt, query.name + ": the endpoint ignores ranges");
    misfit = parse_fault(answer->body).code == kExpired;
    co_return refusal(query.name, *answer);
  }
  co_return answer;
}

http::Task<Result<ReadFacts>> Export::read(ReadQuery query, Sink sink) {
  std::uint64_t at = query.begin;
  std::string version = query.etag;
  const StallMonitor::Call call(retry_.monitor);
  const Sink counting = [this, &at, &query, &sink](std::string_view bytes) -> Result<void> {
    if (bytes.size() > query.end - at)
      return fail(ErrorCode::corrupt, query.name + " is longer than the endpoint said");
    VALETKEY_CHECK(sink(bytes));
    at += bytes.size();
    moved();
    return {};
  };
  ReadFacts facts;
  Failures failures;
  for (unsigned misfits = 0;;) {
    const std::uint64_t before = at;
    bool misfit = false;
    auto answer = co_await read_once(query, at, version, counting, misfit);
    if (answer) facts = facts_of(*answer);
    ErrorCode code = answer ? ErrorCode::unavailable : answer.error().code;
    if (misfit && ++misfits < kGarbledAttempts) code = ErrorCode::unavailable;
    // A connection that breaks after the last byte has done its work.
    if (at == query.end && (answer || (at > before && code == ErrorCode::unavailable)))
      co_return facts;
    if (answer && !answer->until_close && at == before)
      co_return fail(ErrorCode::corrupt, query.name + " is shorter than the endpoint said");
    // What came so far is good; only the rest is asked for.
    if (at > before) failures = {};
    const Error why =
        answer ? Error{ErrorCode::unavailable, query.name + ": the connection ends too early"}
               : answer.error();
    if (!co_await may_retry(failures, code, why)) co_return std::unexpected(why);
  }
}

http::Task<std::optional<ReadFacts>> Export::look(std::string name, std::string etag) {
  const StallMonitor::Call call(retry_.monitor);
  auto grant = co_await session_.get();
  if (!grant) co_return std::nullopt;
  Wanted wanted;
  wanted.method = "HEAD";
  wanted.path = "/" + percent_encode((*grant)->prefix + name, true);
  wanted.headers.emplace_back(kAskForChecksum);
  if (!etag.empty()) wanted.headers.emplace_back("If-Match", "\"" + etag + "\"");
  auto answer = co_await send(std::move(wanted), nullptr);
  if (!answer || answer->status != 200) co_return std::nullopt;
  moved();
  co_return facts_of(*answer);
}

}  // namespace valetkey::client
