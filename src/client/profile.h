// SPDX-License-Identifier: Apache-2.0
// Where the API is and which token to show it: environment, then the profile file, then the
// defaults. File: config.toml in $VALETKEY_CONFIG_HOME, else $XDG_CONFIG_HOME/valetkey, else
// ~/.config/valetkey; mode 0600; keys `api`, `token`, `token_file`, `ca_file`, `allow_http`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace valetkey::client {

using Environment = std::function<const char*(const char* name)>;  // null: not set

struct Profile {
  std::string api = "http://127.0.0.1:8080";
  Secret token;
  std::string ca_file;  // absolute; empty: what the system trusts
  bool allow_http = false;
  std::string remark = {};  // for standard error: what was passed over; empty: nothing
};

std::filesystem::path config_folder(const Environment& env);  // empty: there is no HOME
// $XDG_CACHE_HOME/valetkey, else ~/.cache/valetkey; `invalid` where neither is set.
Result<std::filesystem::path> cache_folder(const Environment& env);

// The certificates that are trusted where they are not the system's: ca_file, else SSL_CERT_FILE's.
std::string trusted_file(const Profile& profile, const Environment& env);

// VALETKEY_API, VALETKEY_TOKEN, VALETKEY_TOKEN_FILE, OPTIMIZELY_API_TOKEN, VALETKEY_CA_FILE and
// VALETKEY_ALLOW_HTTP beat the file. `denied` for a file that others can read. A default file that
// cannot be opened is passed over with a remark where the environment names API and token. An
// empty token is no error here.
Result<Profile> load_profile(const Environment& env);
// Replaces the profile file, mode 0600.
Result<void> save_profile(const Environment& env, const Profile& profile);

}  // namespace valetkey::client
