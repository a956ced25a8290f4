// SPDX-License-Identifier: Apache-2.0
// `valetkeyd serve` as a shell runs it: what it says, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "admin/testing/test_machine.h"
#include "base/keyring.h"
#include "server/serve.h"
#include "server/testing/caller.h"

namespace valetkey::server {
namespace {

using testing::HasSubstr;

// Runs the command in a child of its own, as a shell would. `out` and `err` are read until both
// end.
class Child {
 public:
  explicit Child(std::function<int(int ready_fd, std::ostream& err)> body) {
    std::array<int, 2> ready{};
    std::array<int, 2> err{};
    if (::pipe(ready.data()) != 0 || ::pipe(err.data()) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      std::ostringstream said;
      const int status = body(ready[1], said);
      const std::string text = said.str();
      (void)!::write(err[1], text.data(), text.size());
      ::_exit(status);
    }
    ::close(ready[1]);
    ::close(err[1]);
    ready_ = ready[0];
    err_ = err[0];
  }
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    ::close(ready_);
    ::close(err_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string ready_line() const { return read_all(ready_); }
  std::string err() const { return read_all(err_); }
  void signal(int number) const { ::kill(pid_, number); }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  static std::string read_all(int fd) {
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = ::read(fd, piece.data(), piece.size())) > 0;)
      out.append(piece.data(), static_cast<std::size_t>(got));
    return out;
  }
  pid_t pid_ = -1;
  int ready_ = -1;
  int err_ = -1;
};

struct ServerMachine : admin::TestMachine {
  ServerMachine() { serve = server::serve; }
};

int serve_in(const admin::TestMachine& machine, int ready_fd, std::ostream& err) {
  const std::string data = machine.data().string();
  const std::string fd = std::to_string(ready_fd);
  const std::array argv{"valetkeyd",      "serve",       "--data-dir",  data.c_str(),
                        "--api-listen",   "127.0.0.1:0", "--s3-listen", "127.0.0.1:0",
                        "--admin-listen", "127.0.0.1:0", "--ready-fd",  fd.c_str()};
  std::ostringstream out;
  return admin::run(static_cast<int>(argv.size()), argv.data(), out, err, machine.env(), serve);
}

TEST(Serve, TellsItsPortsAndEndsWithZeroOnSigterm) {
  const ServerMachine machine;
  machine.prepare();
  Child child([&](int ready, std::ostream& err) { return serve_in(machine, ready, err); });
  const auto urls = boost::json::parse(child.ready_line());
  Caller caller;
  EXPECT_EQ(caller.get(std::string(urls.at("admin").as_string()) + "/healthz").status, 200);
  child.signal(SIGHUP);
  EXPECT_EQ(caller.get(std::string(urls.at("admin").as_string()) + "/readyz").status, 200);
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), 0);
  EXPECT_THAT(child.err(), HasSubstr("is ready: API http://127.0.0.1:"));
}

TEST(Serve, StopsWithOneSentenceOnATypoInTheConfiguration) {
  const ServerMachine machine;
  machine.prepare();
  std::ofstream(machine.data() / "valetkey.toml") << "[limits]\nmax_header = 3\n";
  const admin::Answer answer = machine.run({"serve"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_THAT(answer.err, HasSubstr("valetkey.toml line 2: [limits] has no key 'max_header'"));
}

TEST(Serve, StopsWithOneSentenceOnDataOfANewerVersion) {
  for (const char* name : {"control.db", "objects.db"}) {
    const ServerMachine machine;
    machine.prepare();
    // The user_version of an SQLite file: four bytes at 60.
    std::fstream file(machine.data() / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);
    file.write("\0\0\x03\xe7", 4);
    file.close();
    const admin::Answer answer = machine.run({"serve"});
    EXPECT_EQ(answer.status, 1) << name;
    EXPECT_THAT(answer.err, HasSubstr("newer")) << name;
    EXPECT_EQ(std::ranges::count(answer.err, '\n'), 1) << answer.err;
  }
}

TEST(Serve, StopsWithOneSentenceOnAKeyringThatIsMissingForeignOrReadableByOthers) {
  const ServerMachine machine, other;
  expect_refused(machine.run({"serve"}), "valetkeyd init");
  machine.prepare();
  other.prepare();
  machine.must({"check"});
  ::chmod(machine.keyring().c_str(), 0644);
  expect_refused(machine.run({"serve"}), machine.keyring().string());
  ASSERT_TRUE(write_keyring(machine.keyring(), read_keyring(other.keyring()).value(), true));
  expect_refused(machine.run({"serve"}), "is not the one of " + machine.data().string());
  std::filesystem::remove(machine.keyring());
  expect_refused(machine.run({"serve"}), "no keyring");
}

// As root a read-only folder hinders nobody, so there it belongs to another user, whom run()
// becomes.
TEST(Serve, StopsWithOneSentenceOnAFolderItCannotWrite) {
  const ServerMachine machine;
  machine.prepare();
  if (::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    ASSERT_EQ(::chmod(machine.folder().c_str(), 0755), 0);
    ASSERT_EQ(::chown(machine.keyring().c_str(), kNobody, kNobody), 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(machine.data()))
      ASSERT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(::chown(machine.data().c_str(), kNobody, kNobody), 0);
  }
  ASSERT_EQ(::chmod(machine.data().c_str(), 0500), 0);
  Child child([&](int ready, std::ostream& err) { return serve_in(machine, ready, err); });
  EXPECT_EQ(child.ready_line(), "");
  EXPECT_EQ(child.wait(), 1);
  const std::string err = child.err();
  EXPECT_THAT(err, HasSubstr(machine.data().string()));
  EXPECT_EQ(std::ranges::count(err, '\n'), 1) << err;
  ::chmod(machine.data().c_str(), 0700);
}

}  // namespace
}  // namespace valetkey::server
