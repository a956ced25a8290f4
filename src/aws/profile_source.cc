// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <set>

#include "aws/internal/assume.h"
#include "aws/internal/credentials_json.h"
#include "aws/internal/process.h"
#include "aws/internal/profile_file.h"
#include "aws/internal/variables.h"
#include "base/file.h"

namespace valetkey::aws {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr milliseconds kProcessPatience{60'000};
// The server needs no policy of the session to bound itself: the role is the bound.
constexpr std::string_view kAllOfTheRole =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

std::string file_of(const Environment& env, const char* name, const char* otherwise) {
  if (std::string stated = variable(env, name); !stated.empty()) return stated;
  const std::string home = variable(env, "HOME");
  return home.empty() ? "" : home + "/.aws/" + otherwise;
}

Result<void> read_profiles(const std::string& path, ProfileFile kind, Profiles& profiles) {
  if (path.empty()) return {};
  auto text = read_file(path, kMaxFileBytes);
  if (!text && text.error().code == ErrorCode::not_found) return {};
  if (!text) return std::unexpected(text.error());
  auto parsed = parse_profiles(*text, kind, profiles);
  wipe(*text);
  if (!parsed) return fail(parsed.error().code, path + ": " + parsed.error().detail);
  return {};
}

std::string text_of(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? "" : found->second;
}

class Resolver {
 public:
  Resolver(const Surroundings& around, Profiles profiles, Timestamp now)
      : around_(around), profiles_(std::move(profiles)), now_(now) {}

  bool has(const std::string& name) const { return profiles_.contains(name); }

  Result<OwnKeys> keys_of(const std::string& name) {
    const auto found = profiles_.find(name);
    if (found == profiles_.end())
      return fail(ErrorCode::not_found,
                  "the AWS profile " + name + " is in no configuration file of AWS");
    const Profile& profile = found->second;
    const bool seen = !visited_.insert(name).second;
    const std::string role = text_of(profile, "role_arn");
    if (seen && (role.empty() || text_of(profile, "aws_access_key_id").empty()))
      return fail(ErrorCode::invalid, "the AWS profile " + name + " leads back to itself");
    if (!role.empty() && !seen) return assumed(name, profile, role);
    return plain(name, profile);
  }

 private:
  Result<OwnKeys> plain(const std::string& name, const Profile& profile) {
    const std::string from = "the AWS profile " + name;
    const std::string id = text_of(profile, "aws_access_key_id");
    const std::string secret = text_of(profile, "aws_secret_access_key");
    if (!id.empty() && !secret.empty()) {
      OwnKeys keys{{id, Secret(secret), std::nullopt}, std::nullopt, from};
      if (auto token = text_of(profile, "aws_session_token"); !token.empty())
        keys.keys.session_token = Secret(std::move(token));
      return keys;
    }
    const std::string command = text_of(profile, "credential_process");
    if (command.empty())
      return fail(ErrorCode::invalid, from + " holds no keys, no role and no credential_process");
    auto output = read_output(command, kProcessPatience);
    if (!output) return fail(output.error().code, from + ": " + output.error().detail);
    auto keys = parse_keys(*output, KeysForm::process);
    wipe(*output);
    if (!keys) return fail(ErrorCode::invalid, from + ": " + keys.error().detail);
    keys->from = from + " (credential_process)";
    return keys;
  }

  Result<OwnKeys> assumed(const std::string& name, const Profile& profile, const std::string& arn) {
    RoleToAssume role{.arn = arn,
                      .external_id = text_of(profile, "external_id"),
                      .from = "the AWS profile " + name};
    if (auto stated = text_of(profile, "role_session_name"); !stated.empty())
      role.session_name = std::move(stated);
    VALETKEY_CHECK(read_duration(profile, role));
    Surroundings there = around_;
    if (auto region = text_of(profile, "region"); !region.empty()) there.region = region;
    if (const auto file = text_of(profile, "web_identity_token_file"); !file.empty())
      return assume_with_token(there, role, file);
    VALETKEY_TRY(const OwnKeys source, source_of(name, profile));
    VALETKEY_TRY(const Sts sts, sts_of(there));
    auto session = sts.assume({.role_arn = role.arn,
                               .session_name = role.session_name,
                               .external_id = role.external_id,
                               .policy = std::string(kAllOfTheRole),
                               .duration = role.duration},
                              source.keys, now_);
    if (!session) return as_error(session.error(), role.from);
    return own_keys(*std::move(session), role.from);
  }

  static Result<void> read_duration(const Profile& profile, RoleToAssume& role) {
    const std::string text = text_of(profile, "duration_seconds");
    if (text.empty()) return {};
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 900 || value > 43'200)
      return fail(ErrorCode::invalid, role.from + ": duration_seconds must be 900 to 43200");
    role.duration = seconds(value);
    return {};
  }

  Result<OwnKeys> source_of(const std::string& name, const Profile& profile) {
    const std::string other = text_of(profile, "source_profile");
    const std::string place = text_of(profile, "credential_source");
    if (other.empty() == place.empty())
      return fail(ErrorCode::invalid, "the AWS profile " + name +
                                          " has a role_arn and needs either source_profile or "
                                          "credential_source");
    if (!other.empty()) return keys_of(other);
    Found found = place == "Environment"           ? from_environment(around_)
                  : place == "Ec2InstanceMetadata" ? from_instance(around_, now_)
                  : place == "EcsContainer"
                      ? from_container(around_, now_)
                      : fail(ErrorCode::invalid,
                             "credential_source must be Environment, Ec2InstanceMetadata or "
                             "EcsContainer");
    if (!found) return std::unexpected(found.error());
    if (*found) return **std::move(found);
    return fail(ErrorCode::not_found, "the AWS profile " + name + " names credential_source " +
                                          place + ", which has no credentials here");
  }

  Surroundings around_;
  const Profiles profiles_;
  const Timestamp now_;
  std::set<std::string> visited_;
};

}  // namespace

Found from_profile(const Surroundings& around, Timestamp now, std::string name) {
  Profiles profiles;
  VALETKEY_CHECK(read_profiles(file_of(around.env, "AWS_CONFIG_FILE", "config"),
                               ProfileFile::config, profiles));
  VALETKEY_CHECK(read_profiles(file_of(around.env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                               ProfileFile::credentials, profiles));
  const bool named = !name.empty() || !variable(around.env, "AWS_PROFILE").empty();
  if (name.empty()) name = variable(around.env, "AWS_PROFILE");
  if (name.empty()) name = "default";
  Resolver resolver(around, std::move(profiles), now);
  // A default profile often holds a region alone.
  if (!named && !resolver.has(name)) return std::nullopt;
  auto keys = resolver.keys_of(name);
  if (!keys && !named && keys.error().code == ErrorCode::invalid &&
      keys.error().detail.contains("holds no keys"))
    return std::nullopt;
  if (!keys) return std::unexpected(keys.error());
  return *std::move(keys);
}

}  // namespace valetkey::aws
