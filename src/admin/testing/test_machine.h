// SPDX-License-Identifier: Apache-2.0
// For tests: a folder of its own, and valetkeyd's commands in it through the front door.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "admin/command_line.h"
#include "base/testing/temporary_folder.h"

namespace valetkey::admin {

struct Answer {
  int status = -1;
  std::string out, err;
  boost::json::value json() const { return boost::json::parse(out); }
};

// One sentence on stderr that names the program, status 1, nothing on stdout.
inline void expect_refused(const Answer& answer, const std::string& saying, int status = 1) {
  EXPECT_EQ(answer.status, status);
  EXPECT_THAT(answer.out, testing::IsEmpty());
  EXPECT_THAT(answer.err, testing::StartsWith("valetkeyd: "));
  EXPECT_THAT(answer.err, testing::HasSubstr(saying));
  EXPECT_EQ(std::ranges::count(answer.err, '\n'), 1) << answer.err;
}

class TestMachine {
 public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path data() const { return folder() / "data"; }
  std::filesystem::path keyring() const { return folder() / "data.keyring"; }
  std::map<std::string, std::string> environment;
  Serve serve = [](CommandContext&, const ServeFlags&) -> Result<int> {
    return fail(ErrorCode::unavailable, "this test has no server");
  };

  config::Environment env() const {
    return [this](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    };
  }
  // Exactly these words.
  Answer run_bare(const std::vector<std::string>& words) const {
    std::vector<const char*> argv{"valetkeyd"};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::ostringstream out;
    std::ostringstream err;
    Answer answer;
    answer.status = admin::run(static_cast<int>(argv.size()), argv.data(), out, err, env(), serve);
    answer.out = out.str();
    answer.err = err.str();
    return answer;
  }
  Answer run(std::vector<std::string> words) const {
    words.insert(words.end(), {"--data-dir", data().string()});
    return run_bare(words);
  }
  // The same, which must succeed.
  Answer must(std::vector<std::string> words) const {
    Answer answer = run(std::move(words));
    EXPECT_EQ(answer.status, 0) << answer.err;
    return answer;
  }
  // init, account 12, its admin ada@example.org.
  void prepare() const {
    must({"init"});
    must({"account", "create", "12", "--name", "Acme"});
    must({"user", "create", "ada@example.org", "--account", "12", "--role", "admin"});
  }
  // The token itself.
  std::string make_token(const std::string& name = "laptop") const {
    std::string out =
        must({"token", "create", "--account", "12", "--user", "ada@example.org", "--name", name})
            .out;
    if (!out.empty()) out.pop_back();
    return out;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace valetkey::admin
