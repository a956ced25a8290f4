// SPDX-License-Identifier: Apache-2.0
#include "client/profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct ProfileTest : testing::Test {
  ProfileTest() {
    std::string name = (fs::temp_directory_path() / "valetkey-profile-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    values["VALETKEY_CONFIG_HOME"] = folder.string();
  }
  ~ProfileTest() override { fs::remove_all(folder); }
  fs::path write(const char* name, const std::string& text, unsigned mode = 0600) {
    std::ofstream(folder / name) << text;
    ::chmod((folder / name).c_str(), mode);
    return folder / name;
  }

  fs::path folder;
  std::map<std::string, std::string> values;
  Environment env = [this](const char* name) -> const char* {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
};

TEST_F(ProfileTest, IsReadBackAsItWasSaved) {
  Profile profile;
  profile.api = "https://api.example.com";
  profile.token = Secret("tok\"en\\");
  profile.allow_http = true;
  ASSERT_TRUE(save_profile(env, profile));
  struct stat s{};
  ASSERT_EQ(::stat((folder / "config.toml").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
  const auto read = load_profile(env);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->api, profile.api);
  EXPECT_EQ(read->token, profile.token);
  EXPECT_TRUE(read->allow_http);
}

TEST_F(ProfileTest, HasDefaultsWithoutAnything) {
  const auto read = load_profile(env);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->api, "http://127.0.0.1:8080");
  EXPECT_TRUE(read->token.empty());
}

TEST_F(ProfileTest, IsBeatenByTheEnvironment) {
  write("config.toml", "api = 'http://a'\ntoken = 'file'\n");
  values["OPTIMIZELY_API_TOKEN"] = "other";
  EXPECT_EQ(load_profile(env)->token, Secret("other"));
  values["VALETKEY_TOKEN_FILE"] = write("token", "from file\n").string();
  EXPECT_FALSE(load_profile(env));  // a space inside
  write("token", " fromfile\n");
  EXPECT_EQ(load_profile(env)->token, Secret("fromfile"));
  values["VALETKEY_TOKEN"] = "own";
  values["VALETKEY_API"] = "http://b";
  EXPECT_EQ(load_profile(env)->token, Secret("own"));
  EXPECT_EQ(load_profile(env)->api, "http://b");
}

TEST_F(ProfileTest, RefusesWhatOthersCanReadOrNobodyKnowsWithoutRepeatingTheToken) {
  for (const auto& [text, mode] :
       std::vector<std::pair<std::string, unsigned>>{{"token = 'sesame'\n", 0644},
                                                     {"token = 'sesame\n", 0600},
                                                     {"token = 'sesame'\nnope = 1\n", 0600},
                                                     {"api = 1\n#sesame", 0600}}) {
    write("config.toml", text, mode);
    const auto read = load_profile(env);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().detail.find("sesame"), std::string::npos) << read.error().detail;
  }
}

}  // namespace
}  // namespace valetkey::client
