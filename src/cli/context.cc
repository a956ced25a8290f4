// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <cctype>
#include <csignal>
#include <cstdio>

#include "base/version.h"
#include "cli/printable.h"
#include "cli/token_end.h"
#include "http/co_try.h"

namespace valetkey::cli {

http::ClientOptions http_options(const client::Profile& profile) {
  http::ClientOptions options;
  options.ca_file = profile.ca_file;
  options.user_agent = fmt::format("valetkey/{}", kVersion);
  return options;
}

client::SessionOptions session_options(const client::Profile& profile, milliseconds wait,
                                       client::StallMonitor* monitor) {
  client::SessionOptions options;
  options.api = profile.api;
  options.token = profile.token;
  options.allow_http = profile.allow_http;
  options.patience = wait;
  options.monitor = monitor;
  return options;
}

Context::Context(client::Profile profile, milliseconds wait)
    : wait_(wait),
      profile_(std::move(profile)),
      http_(loop_, http_options(profile_)),
      session_(loop_, http_, clock_, session_options(profile_, wait, &monitor_)),
      data_(loop_, http_, session_, clock_, {.patience = wait, .monitor = &monitor_}) {}

void Context::set_wait(milliseconds wait) {
  wait_ = wait;
  session_.set_patience(wait);
  data_.set_patience(wait);
}

void Context::look() {
  const std::string line = monitor_.look(std::chrono::steady_clock::now());
  if (line.empty()) return;
  // Over the bar that a sync may have drawn.
  *told_ << (::isatty(2) == 1 ? "\r\x1b[K" : "") << "valetkey: " << printable(line) << '\n'
         << std::flush;
}

void Context::tell_of_token_end() {
  if (told_of_end_ || !session_.latest()) return;
  told_of_end_ = true;
  const std::string remark = token_end_remark(*session_.latest(), clock_.now());
  if (!remark.empty()) *told_ << "valetkey: " << remark << '\n' << std::flush;
}

Task<void> Context::look_again_and_again() {
  for (;;) {
    co_await client::pause(loop_, client::StallMonitor::kEvery);
    look();
  }
}

Result<client::GrantPtr> Context::grant() {
  client::GrantPtr grant;
  VALETKEY_CHECK(run([](client::Session& session, client::GrantPtr& to) -> Task<Result<void>> {
    VALETKEY_CO_TRY(auto got, co_await session.get());
    to = got;
    co_return Result<void>{};
  }(session_, grant)));
  return grant;
}

Result<void> Context::run(Task<Result<void>> task, std::function<void()> on_interrupt) {
  Result<void> result = fail(ErrorCode::internal, "the command did not end");
  loop_.restart();  // a command may run more than one task
  asio::signal_set signals(loop_, SIGINT, SIGTERM);
  signals.async_wait([&on_interrupt](const boost::system::error_code& error, int) {
    if (error) return;
    if (on_interrupt) on_interrupt();
    std::fputs("valetkey: interrupted; run the same command again to go on\n", stderr);
    // Coroutines still hold connections and buffers: end here, where nothing more can be written.
    std::_Exit(1);
  });
  asio::co_spawn(loop_, std::move(task), [&](const std::exception_ptr& broken, Result<void> value) {
    if (!broken) result = std::move(value);
    loop_.stop();
  });
  if (told_ && !std::exchange(telling_, true))
    asio::co_spawn(loop_, look_again_and_again(), asio::detached);
  loop_.run();
  if (told_) look();
  if (told_) tell_of_token_end();
  return result;
}

Result<void> check_profile(const client::Profile& profile) {
  if (profile.token.empty())
    return fail(ErrorCode::invalid,
                "there is no token: run `valetkey configure`, or set VALETKEY_TOKEN_FILE or "
                "VALETKEY_TOKEN");
  VALETKEY_TRY(const auto url, http::Url::parse(profile.api));
  return client::check_private(url, profile.allow_http);
}

Result<std::unique_ptr<Context>> make_context(client::Profile profile, milliseconds wait) {
  VALETKEY_CHECK(check_profile(profile));
  return std::make_unique<Context>(std::move(profile), wait);
}

Result<void> check_place(const client::Grant& grant, const std::string& bucket,
                         const std::string& account) {
  if (!bucket.empty() && bucket != grant.bucket)
    return fail(ErrorCode::invalid,
                "the token opens the bucket " + grant.bucket + ", not the one of --bucket");
  if (!account.empty() && !("/" + grant.prefix).ends_with("/account_id=" + account + "/"))
    return fail(ErrorCode::denied,
                "the token opens " + grant.s3_path() + ", not the account of --account-id");
  return {};
}

std::string trusted_by_tools(const client::Profile& profile, const client::Grant& grant,
                             const client::Environment& env) {
  return grant.endpoint.starts_with("https:") ? client::trusted_file(profile, env) : "";
}

std::string quote_shell(std::string_view text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+=:@%,").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace valetkey::cli
