// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace valetkey::cli {
namespace {

constexpr std::array kEnding = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
constexpr std::array kSteering = {SIGUSR1, SIGUSR2};

bool is_ignored(int signal) {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> found;
  found.reserve(texts.size() + 1);
  for (const std::string& text : texts) found.push_back(const_cast<char*>(text.c_str()));
  found.push_back(nullptr);
  return found;
}

// posix_spawn does not copy the memory that holds tokens, and is safe with other threads.
Result<pid_t> spawn(const std::vector<std::string>& words,
                    const std::vector<std::string>& environment, const sigset_t& mask) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t usual;
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGPIPE);  // this program ignores it
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setsigmask(&attributes, &mask);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, words[0].c_str(), nullptr, &attributes,
                                   pointers_to(words).data(), pointers_to(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  if (error == 0) return child;
  errno = error;
  return fail_errno("cannot run " + words[0]);
}

int status_of(int state) { return WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state); }

}  // namespace

HeldSignals::HeldSignals() {
  ::sigemptyset(&held_);
  for (const int signal : kEnding)
    if (!is_ignored(signal)) ::sigaddset(&held_, signal);
  for (const int signal : kSteering)
    if (!is_ignored(signal)) ::sigaddset(&held_, signal);
  std::signal(SIGCHLD, SIG_DFL);  // else the kernel would throw the status away
  ::sigaddset(&held_, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

siginfo_t HeldSignals::wait() const {
  siginfo_t found{};
  while (::sigwaitinfo(&held_, &found) < 0 && errno == EINTR) {
  }
  return found;
}

void HeldSignals::wait_for_end() const {
  while (std::ranges::find(kEnding, wait().si_signo) == kEnding.end()) {
  }
}

bool HeldSignals::ended() const {
  sigset_t pending;
  ::sigpending(&pending);
  for (const int signal : kEnding)
    if (::sigismember(&pending, signal) == 1 && ::sigismember(&held_, signal) == 1) return true;
  return false;
}

Result<int> run_command(const std::vector<std::string>& words,
                        const std::vector<std::string>& environment, const HeldSignals& signals) {
  VALETKEY_TRY(const pid_t child, spawn(words, environment, signals.before()));
  for (;;) {
    const siginfo_t signal = signals.wait();
    if (signal.si_signo == SIGCHLD) {
      int state = 0;
      if (::waitpid(child, &state, WNOHANG) == child) return status_of(state);
    } else if (signal.si_code != SI_KERNEL) {
      // What a terminal sends (Ctrl-C) has gone to the command as well.
      ::kill(child, signal.si_signo);
    }
  }
}

}  // namespace valetkey::cli
