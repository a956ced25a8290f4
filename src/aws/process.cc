// SPDX-License-Identifier: Apache-2.0
#include "aws/internal/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/file.h"
#include "base/secret.h"

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace valetkey::aws {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
using Deadline = std::chrono::steady_clock::time_point;

// In a group of its own, so that what it starts ends with it.
Result<pid_t> start(const std::string& command, int output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::array<std::string, 3> words{"sh", "-c", command};
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, "/bin/sh", &files, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return fail(ErrorCode::io, "credential_process: /bin/sh could not be started");
  return child;
}

milliseconds left_until(Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::max(left, milliseconds(0));
}

// False: the deadline passed, or there is more than the limit.
bool drain(int fd, Deadline deadline, std::string& out) {
  std::array<char, 4096> piece{};
  while (true) {
    pollfd ready{fd, POLLIN, 0};
    const int n = ::poll(&ready, 1, static_cast<int>(left_until(deadline).count()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got == 0) return true;
    if (got < 0 || out.size() + static_cast<std::size_t>(got) > kMaxBytes) return false;
    out.append(piece.data(), static_cast<std::size_t>(got));
  }
}

// Its status, or nothing where it has not ended in time.
std::optional<int> wait_for(pid_t child, Deadline deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return -1;
    if (left_until(deadline) == milliseconds(0)) return std::nullopt;
    std::this_thread::sleep_for(milliseconds(2));
  }
}

}  // namespace

Result<std::string> read_output(const std::string& command, milliseconds patience) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("credential_process");
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  VALETKEY_TRY(const pid_t child, start(command, writing.get()));
  writing = FileDescriptor();
  std::string output;
  const bool whole = drain(reading.get(), deadline, output);
  const auto status = whole ? wait_for(child, deadline) : std::nullopt;
  if (!status) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    wipe(output);
    return fail(ErrorCode::unavailable,
                "credential_process neither ended in time nor kept within 64 KiB of output");
  }
  if (*status == 0) return output;
  wipe(output);
  return fail(ErrorCode::unavailable,
              "credential_process failed with status " +
                  std::to_string(WIFEXITED(*status) ? WEXITSTATUS(*status) : 128));
}

}  // namespace valetkey::aws
