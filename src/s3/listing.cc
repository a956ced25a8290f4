// SPDX-License-Identifier: Apache-2.0
#include "s3/listing.h"

#include <algorithm>
#include <charconv>

#include "s3/continuation_token.h"

namespace valetkey::s3 {
namespace {

constexpr std::uint64_t kMaxInteger = 2147483647;

Answer<std::uint64_t> read_max_keys(const Call& call) {
  const auto* parameter = call.parameter("max-keys");
  if (!parameter) return kMaxKeys;
  const std::string& text = parameter->value;
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end)
    return invalid_argument("max-keys", text,
                            "Provided max-keys not an integer or within integer range");
  if (value < 0 || static_cast<std::uint64_t>(value) > kMaxInteger)
    return invalid_argument("max-keys", text,
                            "Argument maxKeys must be an integer between 0 and 2147483647");
  return std::min(static_cast<std::uint64_t>(value), kMaxKeys);
}

Answer<bool> read_encoding(const Call& call) {
  const auto* parameter = call.parameter("encoding-type");
  if (!parameter) return false;
  if (parameter->value == "url") return true;
  return invalid_argument("encoding-type", parameter->value,
                          "Invalid Encoding Method specified in Request");
}

Answer<bool> read_version(const Call& call) {
  const auto* parameter = call.parameter("list-type");
  if (!parameter) return false;
  if (parameter->value == "2") return true;
  return invalid_argument("list-type", parameter->value, "Invalid List Type specified in Request");
}

std::optional<std::string> optional_value(const Call& call, std::string_view name) {
  const auto* parameter = call.parameter(name);
  return parameter ? std::optional(parameter->value) : std::nullopt;
}

std::unexpected<Failure> refuse_token(std::string_view token) {
  return invalid_argument("continuation-token", token,
                          "The continuation token provided is incorrect");
}

ListingIdentity identity_of(const ListRequest& request) {
  return {request.account, request.prefix, request.delimiter};
}

// Where the listing begins: a continuation token silences start-after.
Answer<void> read_position(ListRequest& request, const Call& call, const Keyring& keyring,
                           Timestamp now) {
  if (!request.version_2) {
    request.after = request.marker = call.value("marker");
    return {};
  }
  request.start_after = optional_value(call, "start-after");
  request.continuation_token = optional_value(call, "continuation-token");
  if (!request.continuation_token) {
    request.after = request.start_after.value_or("");
    return {};
  }
  auto position =
      read_continuation_token(keyring, identity_of(request), *request.continuation_token, now);
  if (!position) return refuse_token(*request.continuation_token);
  request.after = std::move(position->last_key);
  request.generation = position->generation;
  return {};
}

// Clamps the position to what lies below the prefix, so that the index is never asked about
// anything else. False: everything below the prefix lies before it.
bool intersect(const ListRequest& request, storage::ListQuery& query) {
  if (request.after < request.prefix) return true;
  if (!request.after.starts_with(request.prefix)) return false;
  query.start_after = request.after;
  return true;
}

// The last fence: a store that showed anything from outside the prefix is wrong, and nothing is
// said.
bool is_within(const storage::ListPage& page, std::string_view prefix) {
  return std::ranges::all_of(page.entries, [&](const storage::ListEntry& entry) {
    return entry.info.key.starts_with(prefix);
  });
}

}  // namespace

Answer<ListRequest> read_list_request(const Authorized& authorized, const Keyring& keyring,
                                      Timestamp now) {
  const Call& call = authorized.call();
  ListRequest request{.bucket = call.bucket,
                      .account = authorized.account().str(),
                      .prefix = std::string(authorized.prefix()),
                      .delimiter = std::string(call.value("delimiter")),
                      .marker = {},
                      .start_after = {},
                      .continuation_token = {},
                      .after = {}};
  VALETKEY_TRY(request.version_2, read_version(call));
  VALETKEY_TRY(request.url_encoding, read_encoding(call));
  VALETKEY_TRY(request.max_keys, read_max_keys(call));
  request.owner = !request.version_2 || call.value("fetch-owner") == "true";
  VALETKEY_CHECK(read_position(request, call, keyring, now));
  return request;
}

Answer<std::string> list_objects(storage::ObjectStore& store, const Keyring& keyring,
                                 const ListRequest& request, Timestamp now) {
  storage::ListPage page;
  storage::ListQuery query{.prefix = request.prefix,
                           .delimiter = request.delimiter,
                           .start_after = {},
                           .max_entries = request.max_keys,
                           .generation = request.generation};
  if (request.max_keys > 0 && intersect(request, query)) {
    auto listed = store.list(query);
    if (!listed && listed.error().code == ErrorCode::not_found && request.continuation_token)
      return refuse_token(*request.continuation_token);
    if (!listed) return std::unexpected(failure_of(listed.error(), {}));
    if (!is_within(*listed, request.prefix)) return refuse(Code::internal_error);
    page = std::move(*listed);
  }
  if (!page.truncated || !request.version_2 || page.entries.empty())
    return list_xml(request, page, {});
  auto token = make_continuation_token(keyring, identity_of(request),
                                       {page.generation, page.entries.back().info.key}, now);
  if (!token) return std::unexpected(failure_of(token.error(), {}));
  return list_xml(request, page, *token);
}

}  // namespace valetkey::s3
