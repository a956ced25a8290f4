// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>

#include "base/file.h"
#include "cli/commands.h"
#include "client/token_text.h"
#include "http/co_try.h"
#include "terminal/hidden_input.h"
#include "terminal/output.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxConfig = 1 << 20;

Result<Secret> ask_token(std::ostream& err) {
  std::string line;
  {
    const terminal::HiddenInput hidden;
    if (::isatty(0) == 1) err << "Token (not shown): " << std::flush;
    std::getline(std::cin, line);
    if (::isatty(0) == 1) err << '\n';
  }
  auto token = client::clean_token(line);
  wipe(line);
  return token;
}

std::string ask_api(const std::string& now, std::ostream& err) {
  if (::isatty(0) != 1) return now;
  err << "Address of the API [" << now << "]: " << std::flush;
  std::string line;
  std::getline(std::cin, line);
  return line.empty() ? now : line;
}

Task<Result<void>> try_token(Context& context, std::string& path) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  path = grant->s3_path();
  co_return Result<void>{};
}

// `text` without the section called `header`, which must be one that we wrote.
Result<std::string> without_section(const std::string& text, const std::string& header) {
  std::size_t begin = text.starts_with(header + "\n") ? 0 : text.find("\n" + header + "\n");
  if (begin == std::string::npos) return text;
  if (begin != 0) ++begin;
  const std::size_t end = std::min(text.find("\n[", begin + header.size()), text.size() - 1) + 1;
  if (text.substr(begin, end - begin).find("credential-process") == std::string::npos)
    return fail(ErrorCode::already_exists,
                header + " exists and is not Valetkey's: choose another --profile");
  return text.substr(0, begin) + text.substr(end);
}

Result<std::string> read_if_there(const fs::path& path) {
  auto text = read_file(path, kMaxConfig);
  if (!text && text.error().code == ErrorCode::not_found) return std::string();
  return text;
}

// Quotes only where the path needs them: the first SDK for Go (s5cmd, rclone before 1.68) drops
// what follows a quoted word.
std::string quoted_program(const std::string& program) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._+-").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(program, plain) ? program : "\"" + program + "\"";
}

// Whether a process without this one's variables, or in another folder, has the same profile.
bool is_saved(const client::Profile& profile, const client::Environment& env) {
  const auto saved = client::load_profile([&env](const char* name) -> const char* {
    const std::string_view variable(name);
    return variable == "HOME" || variable == "XDG_CONFIG_HOME" ? env(name) : nullptr;
  });
  return saved && saved->api == profile.api && saved->token == profile.token &&
         saved->ca_file == profile.ca_file;
}

fs::path aws_file(const client::Environment& env, const char* variable, const char* name) {
  const char* set = env(variable);
  if (set && *set) return set;
  const char* home = env("HOME");
  return fs::path(home ? home : "") / ".aws" / name;
}

}  // namespace

Result<void> run_configure(const client::Environment& env, const ConfigureFlags& flags,
                           Streams streams) {
  // What is set, or was saved before, is proposed; a file that cannot be used is replaced.
  client::Profile profile = client::load_profile(env).value_or(client::Profile());
  profile.api = flags.api.empty() ? ask_api(profile.api, streams.err) : flags.api;
  if (!flags.ca_file.empty()) profile.ca_file = fs::absolute(flags.ca_file).string();
  if (!profile.ca_file.empty()) VALETKEY_CHECK(http::check_ca_file(profile.ca_file));
  profile.allow_http = profile.allow_http || flags.allow_http;
  if (flags.token_file.empty()) {
    VALETKEY_TRY(profile.token, ask_token(streams.err));
  } else {
    VALETKEY_TRY(const auto text, read_file(flags.token_file, kMaxConfig));
    VALETKEY_TRY(profile.token, client::clean_token(text));
  }
  VALETKEY_TRY(auto context, make_context(profile, flags.wait));
  context->tell(streams.err);
  std::string path;
  VALETKEY_CHECK(context->run(try_token(*context, path)));
  VALETKEY_CHECK(terminal::with_room_advice(client::save_profile(env, profile),
                                            client::config_folder(env),
                                            "let VALETKEY_CONFIG_HOME name another folder"));
  streams.out << "The token opens " << path << "; saved in "
              << (client::config_folder(env) / "config.toml").string() << '\n';
  return {};
}

Result<void> run_configure_aws(Context& context, const client::Environment& env,
                               const std::string& profile, const std::string& program,
                               Streams streams) {
  for (const char c : profile)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
      return fail(ErrorCode::invalid, "--profile takes letters, digits, - and _");
  // In one profile the shared credentials file beats credential_process.
  VALETKEY_TRY(const auto shared,
               read_if_there(aws_file(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials")));
  if (("\n" + shared).find("\n[" + profile + "]") != std::string::npos)
    return fail(ErrorCode::already_exists, "the shared credentials file has a profile " + profile +
                                               ", which would win: choose another --profile");
  VALETKEY_TRY(const client::GrantPtr grant, context.grant());
  const fs::path path = aws_file(env, "AWS_CONFIG_FILE", "config");
  VALETKEY_TRY(const auto before, read_if_there(path));
  const std::string header = profile == "default" ? "[default]" : "[profile " + profile + "]";
  VALETKEY_TRY(std::string text, without_section(before, header));
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  const std::string trusted = trusted_by_tools(context.profile(), *grant, env);
  const std::string bundle = trusted.empty() ? "" : "ca_bundle = " + trusted + "\n";
  text += fmt::format(
      "{}\ncredential_process = {} credential-process\nendpoint_url = {}\nregion = {}\n{}"
      "s3 =\n  addressing_style = path\n",
      header, quoted_program(program), grant->endpoint, grant->region, bundle);
  auto written = make_folders(path.parent_path());
  if (written) written = replace_file(path, text);
  VALETKEY_CHECK(terminal::with_room_advice(std::move(written), path.parent_path(),
                                            "let AWS_CONFIG_FILE name another file"));
  if (!is_saved(context.profile(), env))
    streams.err << "What the profile runs reads VALETKEY_API and the token from its environment, "
                   "as nothing is saved: `valetkey configure` saves them.\n";
  streams.out << "AWS_PROFILE=" << profile << " aws s3 ls " << grant->s3_path() << '\n';
  if (!grant->endpoint.contains("amazonaws.com"))
    streams.err << "An AWS CLI older than 2.13 (or 1.29), such as Debian 12's, does not read "
                   "endpoint_url and would ask AWS: add --endpoint-url "
                << grant->endpoint << ".\n";
  return {};
}

}  // namespace valetkey::cli
