// SPDX-License-Identifier: Apache-2.0
#include "server/ready.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey::server {
namespace {

// What arrives at a socket of systemd's kind after `send` was given its name.
std::string heard_at(const std::string& name,
                     const std::function<void(const config::Environment&)>& send) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  send([&](const char* variable) {
    return std::string_view(variable) == "NOTIFY_SOCKET" ? name.c_str() : nullptr;
  });
  std::array<char, 256> heard{};
  const ssize_t got = ::recv(socket.get(), heard.data(), heard.size(), 0);
  return got < 0 ? "" : std::string(heard.data(), static_cast<std::size_t>(got));
}

TEST(Ready, TellsSystemdAtAnAbstractSocket) {
  const std::string name = "@valetkey-ready-test-" + std::to_string(::getpid());
  EXPECT_EQ(heard_at(name, [](const config::Environment& env) { notify_systemd(env, "READY=1"); }),
            "READY=1");
}

TEST(Ready, TellsSystemdAtASocketFile) {
  const TemporaryFolder folder;
  const std::string name = folder.path() / "socket";
  EXPECT_EQ(
      heard_at(name, [](const config::Environment& env) { notify_systemd(env, "STOPPING=1"); }),
      "STOPPING=1");
}

TEST(Ready, NeedsNoSystemd) {
  notify_systemd([](const char*) -> const char* { return nullptr; }, "READY=1");
  const std::string long_name(200, 'x');
  notify_systemd([&](const char*) { return long_name.c_str(); }, "READY=1");
}

TEST(Ready, AClosedDescriptorIsAnError) { EXPECT_FALSE(write_ready_line(987, "{}\n")); }

}  // namespace
}  // namespace valetkey::server
