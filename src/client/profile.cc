// SPDX-License-Identifier: Apache-2.0
#include "client/profile.h"

// As in the server's configuration: toml++ 3.3 promises the optimiser what its parser does not
// keep.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_EXCEPTIONS 0
#include <fcntl.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/file.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxBytes = 64 * 1024;

std::string text_of(const Environment& env, const char* name) {
  const char* value = env(name);
  return value ? value : "";
}

// The content of a file that only its owner can read.
Result<std::string> read_private(const fs::path& path) {
  VALETKEY_TRY(auto file, open_file(path, O_RDONLY));
  struct stat s{};
  if (::fstat(file.get(), &s) != 0) return fail_errno(path.string());
  if (S_ISREG(s.st_mode) && (s.st_mode & 077) != 0)
    return fail(ErrorCode::denied,
                path.string() + " holds a token and others can read it: chmod 600 it");
  return read_all(file.get(), kMaxBytes, path.string());
}

Result<void> set_token_file(Profile& profile, const std::string& path) {
  VALETKEY_TRY(const auto text, read_private(path));
  VALETKEY_TRY(profile.token, clean_token(text));
  return {};
}

Result<void> set(Profile& profile, std::string_view key, const toml::node& node,
                 const std::string& place) {
  const auto text = node.value_exact<std::string>();
  if (key == "allow_http" && node.is_boolean()) {
    profile.allow_http = **node.as_boolean();
  } else if (key == "api" && text) {
    profile.api = *text;
  } else if (key == "ca_file" && text) {
    profile.ca_file = *text;
  } else if (key == "token_file" && text) {
    return set_token_file(profile, *text);
  } else if (key == "token" && text) {
    VALETKEY_TRY(profile.token, clean_token(*text));
  } else {
    return fail(ErrorCode::invalid,
                place + ": the key " + std::string(key) + " is unknown or of the wrong type");
  }
  return {};
}

Result<void> read_profile(Profile& profile, const fs::path& path) {
  auto text = read_private(path);
  if (!text && text.error().code == ErrorCode::not_found) return {};
  if (!text) return std::unexpected(text.error());
  const toml::parse_result parsed = toml::parse(*text);
  // toml++'s own words may repeat the line, and with it the token.
  if (!parsed)
    return fail(ErrorCode::invalid, path.string() + " is not TOML near line " +
                                        std::to_string(parsed.error().source().begin.line));
  for (const auto& [key, node] : parsed.table())
    VALETKEY_CHECK(set(profile, key.str(), node, path.string()));
  return {};
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

Result<Secret> clean_token(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return fail(ErrorCode::invalid, "the token is empty");
  text = text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  if (text.size() > 4096 || !std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; }))
    return fail(ErrorCode::invalid, "the token holds characters that no token has");
  return Secret(std::string(text));
}

fs::path config_folder(const Environment& env) {
  if (const auto own = text_of(env, "VALETKEY_CONFIG_HOME"); !own.empty()) return own;
  if (const auto xdg = text_of(env, "XDG_CONFIG_HOME"); !xdg.empty())
    return fs::path(xdg) / "valetkey";
  return fs::path(text_of(env, "HOME")) / ".config" / "valetkey";
}

Result<Profile> load_profile(const Environment& env) {
  Profile profile;
  VALETKEY_CHECK(read_profile(profile, config_folder(env) / "config.toml"));
  if (const auto api = text_of(env, "VALETKEY_API"); !api.empty()) profile.api = api;
  if (const auto file = text_of(env, "VALETKEY_CA_FILE"); !file.empty()) profile.ca_file = file;
  if (const auto allow = text_of(env, "VALETKEY_ALLOW_HTTP"); !allow.empty())
    profile.allow_http = allow == "1" || allow == "true";
  if (const auto token = text_of(env, "VALETKEY_TOKEN"); !token.empty()) {
    VALETKEY_TRY(profile.token, clean_token(token));
  } else if (const auto path = text_of(env, "VALETKEY_TOKEN_FILE"); !path.empty()) {
    VALETKEY_CHECK(set_token_file(profile, path));
  } else if (const auto other = text_of(env, "OPTIMIZELY_API_TOKEN"); !other.empty()) {
    VALETKEY_TRY(profile.token, clean_token(other));
  }
  return profile;
}

Result<void> save_profile(const Environment& env, const Profile& profile) {
  const fs::path folder = config_folder(env);
  VALETKEY_CHECK(make_folders(folder));
  std::string text =
      "api = " + toml_text(profile.api) + "\ntoken = " + toml_text(profile.token.reveal()) + "\n";
  if (!profile.ca_file.empty()) text += "ca_file = " + toml_text(profile.ca_file) + "\n";
  if (profile.allow_http) text += "allow_http = true\n";
  auto saved = replace_file(folder / "config.toml", text, 0600);
  wipe(text);
  return saved;
}

}  // namespace valetkey::client
