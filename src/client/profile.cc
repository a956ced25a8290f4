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

#include "base/file.h"
#include "client/token_text.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxBytes = 64 * 1024;

std::string text_of(const Environment& env, const char* name) {
  const char* value = env(name);
  return value ? value : "";
}

// The content of a file that only its owner can read.
Result<std::string> read_private(const FileDescriptor& file, const fs::path& path) {
  struct stat s{};
  if (::fstat(file.get(), &s) != 0) return fail_errno(path.string());
  if (S_ISREG(s.st_mode) && (s.st_mode & 077) != 0)
    return fail(ErrorCode::denied,
                path.string() + " holds a token and others can read it: chmod 600 it");
  return read_all(file.get(), kMaxBytes, path.string());
}

Result<void> set_token(Profile& profile, std::string_view text, const std::string& source) {
  auto token = clean_token(text);
  if (!token) return fail(token.error().code, source + ": " + token.error().detail);
  profile.token = std::move(*token);
  return {};
}

Result<void> set_token_file(Profile& profile, const std::string& path) {
  VALETKEY_TRY(const auto file, open_file(path, O_RDONLY));
  VALETKEY_TRY(const auto text, read_private(file, path));
  return set_token(profile, text, path);
}

// A relative path in the profile file is meant from its folder, else from the working folder.
std::string from_folder(const fs::path& file, const std::string& path) {
  std::error_code ignored;
  const fs::path beside = file.parent_path() / path;
  return (fs::exists(beside, ignored) ? beside : fs::absolute(path, ignored)).string();
}

Result<void> set(Profile& profile, std::string_view key, const toml::node& node,
                 const std::string& place) {
  const auto text = node.value_exact<std::string>();
  if (key == "allow_http" && node.is_boolean()) {
    profile.allow_http = **node.as_boolean();
  } else if (key == "api" && text) {
    profile.api = *text;
  } else if (key == "ca_file" && text) {
    profile.ca_file = from_folder(place, *text);
  } else if (key == "token_file" && text) {
    return set_token_file(profile, from_folder(place, *text));
  } else if (key == "token" && text) {
    return set_token(profile, *text, place);
  } else {
    return fail(ErrorCode::invalid,
                place + ": the key " + std::string(key) + " is unknown or of the wrong type");
  }
  return {};
}

// Whether the environment says all that is needed.
bool is_complete(const Environment& env) {
  const auto has = [&env](const char* name) { return !text_of(env, name).empty(); };
  return has("VALETKEY_API") &&
         (has("VALETKEY_TOKEN") || has("VALETKEY_TOKEN_FILE") || has("OPTIMIZELY_API_TOKEN"));
}

// A file that nobody named may be another user's: HOME is often kept by su, cron and containers.
Result<void> pass_over(Profile& profile, const Environment& env, const Error& why) {
  if (why.code == ErrorCode::not_found) return {};
  if (!text_of(env, "VALETKEY_CONFIG_HOME").empty()) return std::unexpected(why);
  if (!is_complete(env))
    return fail(why.code, why.detail +
                              ": set VALETKEY_API and VALETKEY_TOKEN_FILE, or VALETKEY_CONFIG_HOME "
                              "to a folder of your own");
  profile.remark = why.detail + "; passed over, as the environment names API and token";
  return {};
}

Result<void> read_profile(Profile& profile, const Environment& env) {
  const fs::path folder = config_folder(env);
  if (folder.empty()) return {};
  const fs::path path = folder / "config.toml";
  auto file = open_file(path, O_RDONLY);
  if (!file) return pass_over(profile, env, file.error());
  VALETKEY_TRY(auto text, read_private(*file, path));
  const toml::parse_result parsed = toml::parse(text);
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

fs::path config_folder(const Environment& env) {
  if (const auto own = text_of(env, "VALETKEY_CONFIG_HOME"); !own.empty()) return own;
  if (const auto xdg = text_of(env, "XDG_CONFIG_HOME"); !xdg.empty())
    return fs::path(xdg) / "valetkey";
  if (const auto home = text_of(env, "HOME"); !home.empty())
    return fs::path(home) / ".config" / "valetkey";
  return {};
}

std::string trusted_file(const Profile& profile, const Environment& env) {
  if (!profile.ca_file.empty()) return profile.ca_file;
  const auto file = text_of(env, "SSL_CERT_FILE");
  return file.empty() ? file : fs::absolute(file).string();
}

Result<fs::path> cache_folder(const Environment& env) {
  if (const auto xdg = text_of(env, "XDG_CACHE_HOME"); !xdg.empty())
    return fs::absolute(xdg) / "valetkey";
  if (const auto home = text_of(env, "HOME"); !home.empty())
    return fs::absolute(home) / ".cache" / "valetkey";
  return fail(ErrorCode::invalid, "neither HOME nor XDG_CACHE_HOME is set");
}

Result<Profile> load_profile(const Environment& env) {
  Profile profile;
  VALETKEY_CHECK(read_profile(profile, env));
  if (const auto api = text_of(env, "VALETKEY_API"); !api.empty()) profile.api = api;
  if (const auto file = text_of(env, "VALETKEY_CA_FILE"); !file.empty())
    profile.ca_file = fs::absolute(file).string();
  if (const auto allow = text_of(env, "VALETKEY_ALLOW_HTTP"); !allow.empty())
    profile.allow_http = allow == "1" || allow == "true";
  if (const auto token = text_of(env, "VALETKEY_TOKEN"); !token.empty()) {
    VALETKEY_CHECK(set_token(profile, token, "VALETKEY_TOKEN"));
  } else if (const auto path = text_of(env, "VALETKEY_TOKEN_FILE"); !path.empty()) {
    VALETKEY_CHECK(set_token_file(profile, path));
  } else if (const auto other = text_of(env, "OPTIMIZELY_API_TOKEN"); !other.empty()) {
    VALETKEY_CHECK(set_token(profile, other, "OPTIMIZELY_API_TOKEN"));
  }
  return profile;
}

Result<void> save_profile(const Environment& env, const Profile& profile) {
  const fs::path folder = config_folder(env);
  if (folder.empty())
    return fail(ErrorCode::invalid,
                "neither HOME nor XDG_CONFIG_HOME is set: name a folder with VALETKEY_CONFIG_HOME");
  if (auto made = make_folders(folder); !made)
    return fail(made.error().code,
                made.error().detail + ": VALETKEY_CONFIG_HOME can name another folder");
  std::string text =
      "api = " + toml_text(profile.api) + "\ntoken = " + toml_text(profile.token.reveal()) + "\n";
  if (!profile.ca_file.empty()) text += "ca_file = " + toml_text(profile.ca_file) + "\n";
  if (profile.allow_http) text += "allow_http = true\n";
  auto saved = replace_file(folder / "config.toml", text, 0600);
  wipe(text);
  return saved;
}

}  // namespace valetkey::client
