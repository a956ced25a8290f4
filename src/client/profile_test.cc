// SPDX-License-Identifier: Apache-2.0
#include "client/profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "base/testing/temporary_folder.h"

namespace valetkey::client {
namespace {

namespace fs = std::filesystem;

struct ProfileTest : testing::Test {
  ProfileTest() { values["VALETKEY_CONFIG_HOME"] = folder.string(); }
  fs::path write(const char* name, const std::string& text, unsigned mode = 0600) {
    std::ofstream(folder / name) << text;
    ::chmod((folder / name).c_str(), mode);
    return folder / name;
  }

  TemporaryFolder temporary;
  fs::path folder = temporary.path();
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

// As the HOME of another user; a loop of links cannot be opened by root either.
TEST_F(ProfileTest, PassesOverADefaultFileThatCannotBeOpenedWhereTheEnvironmentSaysAll) {
  values.erase("VALETKEY_CONFIG_HOME");
  values["XDG_CONFIG_HOME"] = folder.string();
  fs::create_directory(folder / "valetkey");
  fs::create_symlink("config.toml", folder / "valetkey" / "config.toml");
  values["VALETKEY_TOKEN"] = "own";
  const auto lacks = load_profile(env);
  ASSERT_FALSE(lacks);
  EXPECT_NE(lacks.error().detail.find("VALETKEY_API"), std::string::npos) << lacks.error().detail;
  values["VALETKEY_API"] = "http://b";
  const auto read = load_profile(env);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_NE(read->remark.find("config.toml"), std::string::npos) << read->remark;
  EXPECT_EQ(read->api, "http://b");
  values["VALETKEY_CONFIG_HOME"] = (folder / "valetkey").string();
  EXPECT_FALSE(load_profile(env));
}

TEST_F(ProfileTest, SaysWhichSourceHoldsWhatIsNoToken) {
  values["VALETKEY_TOKEN"] = "a b";
  EXPECT_TRUE(load_profile(env).error().detail.starts_with("VALETKEY_TOKEN: "));
  values.erase("VALETKEY_TOKEN");
  values["VALETKEY_TOKEN_FILE"] = write("token",
                                        "\xEF\xBB\xBF"
                                        "Bearer own\r\n")
                                      .string();
  EXPECT_EQ(load_profile(env)->token, Secret("own"));
  write("token", "a b");
  EXPECT_TRUE(load_profile(env).error().detail.starts_with((folder / "token").string() + ": "));
}

TEST_F(ProfileTest, FindsFilesWhateverTheWorkingFolderIs) {
  write("ca.crt", "");
  write("token", "own");
  write("config.toml", "ca_file = 'ca.crt'\ntoken_file = 'token'\n");
  EXPECT_EQ(load_profile(env)->ca_file, (folder / "ca.crt").string());
  EXPECT_EQ(load_profile(env)->token, Secret("own"));
  values["VALETKEY_CA_FILE"] = "x.crt";
  EXPECT_EQ(load_profile(env)->ca_file, (fs::current_path() / "x.crt").string());
  values["SSL_CERT_FILE"] = "y.crt";
  EXPECT_EQ(trusted_file(Profile(), env), (fs::current_path() / "y.crt").string());
}

TEST_F(ProfileTest, IsNotReadFromTheWorkingFolderWhereThereIsNoHome) {
  values.clear();
  EXPECT_EQ(config_folder(env), fs::path());
  EXPECT_TRUE(load_profile(env));
  EXPECT_FALSE(save_profile(env, Profile()));
  EXPECT_FALSE(cache_folder(env));
  values["XDG_CACHE_HOME"] = "/x";
  EXPECT_EQ(cache_folder(env).value(), "/x/valetkey");
}

}  // namespace
}  // namespace valetkey::client
