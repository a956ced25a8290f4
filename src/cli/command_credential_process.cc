// SPDX-License-Identifier: Apache-2.0
// Every start of an SDK waits for this: with a warm cache it makes no loop, no TLS and no OpenSSL.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <boost/json.hpp>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "cli/printable.h"
#include "cli/token_end.h"
#include "http/co_try.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
constexpr milliseconds kLeastLeft = std::chrono::minutes(15) + seconds(30);  // SDKs refresh at 15
constexpr milliseconds kStillUseful = seconds(30);
constexpr std::size_t kMaxCache = 16 * 1024;

Task<Result<void>> get_grant(Context& context, const ProcessFlags& flags, client::GrantPtr& grant) {
  VALETKEY_CO_TRY(auto got, co_await context.session().get());
  grant = got;
  co_return check_place(*grant, flags.bucket, flags.account);
}

std::string for_process(const client::Grant& grant) {
  const auto& keys = grant.keys;
  return fmt::format(
      R"({{"Version":1,"AccessKeyId":{},"SecretAccessKey":{},"SessionToken":{},"Expiration":"{}"}})",
      quote_json(keys.access_key_id), quote_json(keys.secret_access_key.reveal()),
      quote_json(keys.session_token->reveal()), format_iso8601(grant.expires));
}

// One file for each API, token and place; its name tells none of them.
fs::path cache_file(const fs::path& folder, const client::Profile& profile,
                    const ProcessFlags& flags) {
  std::string all = fmt::format("{}\n{}\n{}\n{}", profile.api, profile.token.reveal(), flags.bucket,
                                flags.account);
  fs::path file = folder / (sha256_hex_alone(all).substr(0, 32) + ".json");
  wipe(all);
  return file;
}

// The cached answer where it lives longer than that.
std::string read_cache(const fs::path& path, Timestamp now, milliseconds left) {
  auto text = read_file(path, kMaxCache);
  if (!text) return "";
  boost::system::error_code error;
  const auto value = boost::json::parse(*text, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* expires = object ? object->if_contains("Expiration") : nullptr;
  if (!expires || !expires->is_string()) return "";
  const auto until = parse_iso8601(std::string_view(expires->get_string()));
  return until && *until - now > left ? *text : "";
}

// What a call needs to keep its answer for the next: nobody else holds it, once made.
struct Cache {
  fs::path file;
  FileDescriptor lock;
};

// Many processes may start at once: one exchanges, the others wait here and find its answer.
Result<Cache> lock_cache(const fs::path& path) {
  VALETKEY_CHECK(make_folders(path.parent_path()));
  VALETKEY_TRY(auto lock, open_file(path.string() + ".lock", O_RDWR | O_CREAT));
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno(path.string());
  return Cache{path, std::move(lock)};
}

// Fresh ones; the old ones while the service is down and they live.
Result<std::string> fetch(client::Profile profile, const ProcessFlags& flags, const fs::path& kept,
                          std::ostream& err) {
  VALETKEY_TRY(auto context, make_context(std::move(profile), flags.wait));
  client::GrantPtr grant;
  const auto got = context->run(get_grant(*context, flags, grant));
  if (got) {
    const std::string remark = token_end_remark(*grant, SystemClock().now());
    if (!remark.empty()) err << "valetkey: " << remark << '\n';
    return for_process(*grant);
  }
  const bool away = got.error().code == ErrorCode::unavailable || got.error().code == ErrorCode::io;
  std::string old = away ? read_cache(kept, SystemClock().now(), kStillUseful) : "";
  if (old.empty()) return std::unexpected(got.error());
  return old;
}

// The answer, kept where it can be. Where it cannot, that costs an exchange for each call.
Result<std::string> fetch_and_keep(client::Profile profile, const ProcessFlags& flags,
                                   const Result<fs::path>& path, Streams streams) {
  const auto cache = path ? lock_cache(*path) : std::unexpected(path.error());
  std::string answer = cache ? read_cache(*path, SystemClock().now(), kLeastLeft) : "";
  if (!answer.empty()) return answer;
  VALETKEY_TRY(answer, fetch(std::move(profile), flags, path.value_or(fs::path()), streams.err));
  const auto kept = cache ? replace_file(*path, answer) : std::unexpected(cache.error());
  if (!kept)
    streams.err << "valetkey: the credentials are not kept for the next call: "
                << printable(kept.error().detail) << "; XDG_CACHE_HOME can name another folder\n";
  return answer;
}

}  // namespace

Result<void> run_credential_process(client::Profile profile, const ProcessFlags& flags,
                                    const client::Environment& env, Streams streams) {
  VALETKEY_CHECK(check_profile(profile));
  Result<fs::path> path = client::cache_folder(env);
  if (path) path = cache_file(*path, profile, flags);
  std::string answer = path ? read_cache(*path, SystemClock().now(), kLeastLeft) : "";
  if (answer.empty()) {
    VALETKEY_TRY(answer, fetch_and_keep(std::move(profile), flags, path, streams));
  }
  streams.out << answer << '\n';
  wipe(answer);
  return {};
}

}  // namespace valetkey::cli
