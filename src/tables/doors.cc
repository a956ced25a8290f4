// SPDX-License-Identifier: Apache-2.0
#include "tables/doors.h"

#include <algorithm>

#include "access/engine_token.h"
#include "base/encoding.h"
#include "control/tokens.h"
#include "http/co_try.h"
#include "http/patience.h"
#include "tables/internal/oauth.h"

namespace valetkey::tables {
namespace {

constexpr std::string_view kIceberg = "/iceberg/v1";
constexpr std::string_view kSharing = "/delta-sharing";
constexpr std::string_view kTokens = "/iceberg/v1/oauth/tokens";
constexpr std::size_t kMaxBodyBytes = 64 * 1024;
constexpr std::size_t kMaxSegments = 16;

bool below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

// Decoded, by slashes; a last one does not matter.
Answer<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view piece = path.substr(0, path.find('/'));
    path.remove_prefix(piece.size());
    if (piece.empty() && path.empty()) break;
    auto decoded = percent_decode(piece);
    if (!decoded || !is_utf8(*decoded) || segments.size() == kMaxSegments)
      return refuse(400, {}, "The path cannot be decoded.");
    segments.push_back(std::move(*decoded));
  }
  return segments;
}

// With whose request it was.
Answer<http::Response> noted(const control::TokenGrant& grant, Answer<http::Response> answer) {
  http::Note& note = answer ? answer->note() : answer.error().note;
  note.account = grant.account.str();
  note.token = grant.token.str();
  return answer;
}

}  // namespace

Doors::Doors(Parts parts, http::asio::thread_pool& blocking, api::Options options)
    : parts_(parts),
      blocking_(blocking),
      options_(std::move(options)),
      engine_credentials_(options_, parts.issuer, parts.audit, parts.usage) {
  if (parts_.snapshots == nullptr || parts_.catalog == nullptr) return;
  catalog_ =
      std::make_unique<IcebergCatalog>(*parts_.catalog, *parts_.snapshots, engine_credentials_);
  shares_ = std::make_unique<DeltaShares>(*parts_.catalog, *parts_.snapshots, engine_credentials_);
}

std::optional<Doors::Door> Doors::door_of(const http::Request& request) {
  if (request.path == kTokens && request.method == http::Method::post) return Door::tokens;
  if (below(request.path, "/iceberg")) return Door::iceberg;
  if (below(request.path, kSharing)) return Door::sharing;
  return std::nullopt;
}

std::size_t Doors::max_body_bytes(const http::Request& head) const {
  return door_of(head) ? kMaxBodyBytes : parts_.behind.max_body_bytes(head);
}

http::Response Doors::refuse(int status, const http::Request& head) const {
  const auto door = door_of(head);
  if (!door) return parts_.behind.refuse(status, head);
  return refusal(*door, {status, {}, "The request is malformed, too slow or too large.", {}, {}},
                 head);
}

http::Response Doors::refusal(Door door, const Refusal& refusal, const http::Request& request) {
  http::Response response = door == Door::iceberg  ? IcebergCatalog::refuse(refusal)
                            : door == Door::tokens ? token_refusal(refusal)
                                                   : DeltaShares::refuse(refusal);
  if (refusal.retry_after.count() > 0)
    response.set("Retry-After", std::to_string(refusal.retry_after.count()));
  response.set("X-Request-Id", request.id);
  response.note() = refusal.note;
  if (response.note().reason.empty()) response.note().reason = "refused";
  response.note().detail = refusal.message;
  return response;
}

http::Task<http::Response> Doors::handle(const http::Request& request) {
  const auto door = door_of(request);
  if (!door) co_return co_await parts_.behind.handle(request);
  auto answered =
      door == Door::tokens ? co_await sell_token(request) : co_await answer(request, *door);
  if (!answered) co_return refusal(*door, answered.error(), request);
  answered->set("X-Request-Id", request.id);
  co_return std::move(*answered);
}

// The token first: what there is, is told to its holders alone.
http::Task<Answer<http::Response>> Doors::answer(const http::Request& request, Door door) {
  constexpr auto kForm = api::TokenForm::engine;
  auto found = parts_.authenticator.find(request, kForm);
  if (!found) found = co_await parts_.authenticator.read(request, kForm);
  if (!*found) co_return std::unexpected(refusal_of(found->error()));
  const control::TokenGrant grant = **found;
  co_return noted(grant, co_await serve(request, grant, door));
}

http::Task<Answer<http::Response>> Doors::serve(const http::Request& request,
                                                const control::TokenGrant& grant, Door door) {
  VALETKEY_CO_CHECK(check(grant));
  if (!request.body_complete)
    co_return tables::refuse(413, {}, "The body is larger than any request to these tables.");
  const std::string_view folder = door == Door::iceberg ? kIceberg : kSharing;
  VALETKEY_CO_TRY(auto path,
                  below(request.path, folder)
                      ? segments_of(request.path.substr(folder.size()))
                      : tables::refuse(404, {}, "The catalog's address ends in /iceberg."));
  const Call call{request, grant, std::move(path)};
  std::optional<Places::Place> place;
  if (door == Door::sharing && DeltaShares::walks(call)) {
    place.emplace(parts_.snapshots->places(), grant.account);
    http::Patience patience;
    while (!place->take())
      if (!place->in_line() || !co_await patience.wait())
        co_return std::unexpected(refusal_of(api::unavailable()));
  }
  co_return co_await http::run_blocking(blocking_, [this, &call, door] {
    return door == Door::iceberg ? catalog_->answer(call) : shares_->answer(call);
  });
}

Answer<void> Doors::check(const control::TokenGrant& grant) {
  if (const milliseconds wait = parts_.authenticator.pace(grant.token); wait > milliseconds(0))
    return std::unexpected(Refusal{429,
                                   {},
                                   "This token is used more often than the operator allows.",
                                   std::chrono::ceil<seconds>(wait),
                                   {}});
  if (!grant.scopes.export_)
    return tables::refuse(403, {}, "This token lacks the scope \"export\": use one that has it.");
  if (!catalog_)
    return tables::refuse(
        501, {},
        "This server offers no tables, as the export lies in a bucket that it keeps "
        "no index of: read the parts by S3.");
  return {};
}

// In place of a personal access token, for an hour: the engine's logs and memory hold no more than that.
http::Task<Answer<http::Response>> Doors::sell_token(const http::Request& request) {
  VALETKEY_CO_TRY(const auto wish,
                  request.body_complete
                      ? read_token_wish(request)
                      : tables::refuse(413, "invalid_request", "The form is too large."));
  auto found = co_await parts_.authenticator.read_token(
      request, wish.token, wish.renews ? api::TokenForm::engine : api::TokenForm::bearer);
  if (!found) co_return std::unexpected(refusal_of(found.error()));
  co_return noted(*found, seal_token(request, wish.token, *found));
}

Answer<http::Response> Doors::seal_token(const http::Request& request, const Secret& shown,
                                         const control::TokenGrant& grant) {
  if (const auto checked = check(grant); !checked) return std::unexpected(checked.error());
  const auto keyring = parts_.keys.get();
  const Timestamp now = request.now;
  access::EngineToken token{control::token_digest(shown.reveal()), now, {}};
  if (const auto former = access::open_engine_token(*keyring, shown.reveal(), now)) token = *former;
  token.expires =
      std::min({now + access::kEngineTokenLives, token.granted + access::kEngineTokenRenewed,
                grant.expires.value_or(Timestamp::max())});
  if (token.expires - now < seconds(1))
    return tables::refuse(401, {},
                          "The personal access token was shown too long ago: show it again.");
  const auto sealed = access::seal_engine_token(*keyring, token, now);
  if (!sealed)
    return std::unexpected(refusal_of(sealed.error(), "sealing an engine token", request));
  engine_credentials_.record({request, grant, {}}, "iceberg.token", "ok", grant.token.str());
  return token_answer(*sealed, std::chrono::floor<seconds>(token.expires - now));
}

}  // namespace valetkey::tables
