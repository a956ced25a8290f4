// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "server/ready.h"
#include "server/wire.h"

namespace valetkey::server {
namespace {

using SteadyClock = std::chrono::steady_clock;

// SIGTERM, SIGINT and SIGHUP as something to wait for. Blocked before any thread starts, so that no
// other one gets them.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, &former_);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next signal, or 0 after `limit`; a negative limit waits for ever.
  int wait(milliseconds limit) const {
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int timeout = limit.count() < 0 ? -1 : static_cast<int>(limit.count());
    if (::poll(&waiting, 1, timeout) <= 0) return 0;
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo)
                                                                  : 0;
  }

 private:
  FileDescriptor fd_;
  sigset_t former_{};
};

Result<config::Config> configure(const admin::CommandContext& context,
                                 const admin::ServeFlags& flags) {
  VALETKEY_TRY(config::Config config, context.load_config());
  if (!flags.api_listen.empty()) config.listen.api = flags.api_listen;
  if (!flags.s3_listen.empty()) config.listen.s3 = flags.s3_listen;
  if (!flags.intake_listen.empty()) config.listen.intake = flags.intake_listen;
  if (!flags.admin_listen.empty()) config.listen.admin = flags.admin_listen;
  VALETKEY_CHECK(config::check_config(config));
  VALETKEY_TRY(const log::Level level, log::parse_level(config.log.level));
  log::configure(level, config.log.format == "json" ? log::Format::json : log::Format::text);
  return config;
}

// It runs: systemd and --ready-fd are notified. /readyz answers whether requests should come.
// For the person who started it by hand.
void say_next(const admin::CommandContext& context, const Urls& urls) {
  const std::string& events = urls.intake.empty() ? urls.api : urls.intake;
  context.err << fmt::format(
      "Next, in another window:\n"
      "  make a token:  TOKEN=$(valetkeyd token create --account ID --user EMAIL "
      "--name laptop --data-dir {0})\n"
      "  read:          valetkey configure --api {1}\n"
      "  send events:   POST {2}/v1/events\n",
      context.data_dir.string(), urls.api, events);
  if (!urls.console.empty()) context.err << "  in a browser:  " << urls.console << '\n';
}

Result<void> announce(const admin::CommandContext& context, const admin::ServeFlags& flags,
                      const Server& server) {
  const Urls& urls = server.urls();
  const std::string events = urls.intake.empty() ? "" : fmt::format(", events {}", urls.intake);
  // Credentials may open somebody else's.
  const std::string s3 = urls.s3.empty() ? "no S3 endpoint of its own" : "S3 " + urls.s3;
  const auto problems = fmt::format("{}", fmt::join(server.problems(), "; "));
  context.err << fmt::format(
      "valetkeyd {} {}: API {}, {}{}, metrics and health {}. Stop with "
      "Ctrl-C.\n",
      kVersion, problems.empty() ? "is ready" : "runs", urls.api, s3, events, urls.admin);
  if (!problems.empty()) context.err << "It is not ready yet: " << problems << ".\n";
  if (context.terminal) say_next(context, urls);
  context.err << std::flush;
  boost::json::object document{{"api", urls.api}, {"admin", urls.admin}};
  if (!urls.s3.empty()) document["s3"] = urls.s3;
  if (!urls.intake.empty()) document["intake"] = urls.intake;
  if (context.json) {
    context.print(document);
    context.out.flush();
  }
  notify_systemd(context.env, fmt::format("READY=1\nSTATUS={}API {}, {}",
                                          problems.empty() ? "" : "not ready: " + problems + "; ",
                                          urls.api, s3));
  if (flags.ready_fd < 0) return {};
  return write_ready_line(flags.ready_fd, boost::json::serialize(document) + "\n");
}

void serve_until_told(const admin::CommandContext& context, const Signals& signals,
                      Server& server) {
  while (true) {
    const int signal = signals.wait(milliseconds(-1));
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal != SIGHUP) continue;
    notify_systemd(context.env, "RELOADING=1");
    server.reload();
    notify_systemd(context.env, "READY=1");
  }
}

// Waits while `busy`, at most `limit`. False: a second signal came, everything ends at once.
bool wait_while(const Signals& signals, milliseconds limit, const std::function<bool()>& busy) {
  const auto until = SteadyClock::now() + limit;
  while (busy() && SteadyClock::now() < until) {
    const int signal = signals.wait(milliseconds(50));
    if (signal == SIGTERM || signal == SIGINT) return false;
  }
  return true;
}

bool finish_requests(const Signals& signals, Server& server, const config::Config& config) {
  server.set_stopping();
  if (!wait_while(signals, config.limits.shutdown_delay, [] { return true; })) return false;
  server.drain();
  return wait_while(signals, config.limits.shutdown_grace,
                    [&server] { return server.connections() > 0; });
}

}  // namespace

Result<int> serve(admin::CommandContext& context, const admin::ServeFlags& flags) {
  const Signals signals;
  VALETKEY_TRY(const config::Config config, configure(context, flags));
  VALETKEY_TRY(const auto server, Server::start(context, config));
  VALETKEY_CHECK(announce(context, flags, *server));
  serve_until_told(context, signals, *server);

  notify_systemd(context.env, "STOPPING=1");
  const auto running = server->connections();
  log::info("server", "stopping",
            {{"connections", running}, {"grace", format_duration(config.limits.shutdown_grace)}});
  if (!finish_requests(signals, *server, config))
    log::warn("server", "stopped at once by a second signal");
  else if (const auto left = server->connections(); left > 0)
    log::warn("server", "the grace is over, connections are cut", {{"connections", left}});
  server->stop();
  log::info("server", "stopped");
  return 0;
}

}  // namespace valetkey::server
