// SPDX-License-Identifier: Apache-2.0
#include "admin/engines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey::admin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EventsInKafka : public testing::Test {
 protected:
  EventsInKafka() {
    config_.events.kind = "kafka";
    config_.events.brokers = {"127.0.0.1:1"};
    config_.events.username = "valetkey";
    config_.events.password_file = (folder_.path() / "password").string();
    write_password("the-password\n", 0600);
  }
  void write_password(const std::string& text, unsigned mode) {
    std::filesystem::remove(config_.events.password_file);
    ASSERT_TRUE(create_file(config_.events.password_file, text, mode));
    std::filesystem::permissions(config_.events.password_file,
                                 static_cast<std::filesystem::perms>(mode));
  }
  Engines engines() const { return Engines(config_, {}, folder_.path(), clock_); }
  std::string refusal() const {
    const auto opened = engines().open_topic();
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().detail;
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  config::Config config_;
};

TEST(Engines, SayWhereThePartsAreToThoseWhoAskForTheirFiles) {
  const SystemClock clock;
  const FixedKeySource keys(Keyring::make(clock.now()));
  const TemporaryFolder folder;
  config::Config config;
  EXPECT_TRUE(Engines(config, {}, folder.path() / "data", clock).open_disk(keys, "do without"));
  config.objects.kind = "s3";
  config.s3.bucket = "theirs";
  const Engines engines(config, {}, folder.path() / "other", clock);
  EXPECT_FALSE(engines.keeps_parts());
  const auto opened = engines.open_disk(keys, "do without");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::denied);
  EXPECT_THAT(opened.error().detail, HasSubstr("in the bucket theirs, not in the data folder: do"));
  // Which it has all the same: the index names the bucket.
  ASSERT_TRUE(engines.make_folder(keys));
  EXPECT_EQ(bucket_of(folder.path() / "other").value(), "theirs");
}

TEST_F(EventsInKafka, AreNotLookedForWhereTheyWaitInTheDataFolder) {
  config_.events.kind = "disk";
  config_.events.brokers.clear();
  EXPECT_EQ(engines().open_topic().value(), nullptr);
}

TEST_F(EventsInKafka, NeedBrokersATopicAndAWholePairOfNameAndPassword) {
  const auto whole = config_;
  config_.events.brokers.clear();
  EXPECT_THAT(refusal(), HasSubstr("needs brokers"));
  config_.events.brokers = {"a:1,b:2"};
  EXPECT_THAT(refusal(), HasSubstr("'a:1,b:2' must be HOST:PORT"));
  config_ = whole;
  config_.events.topic = "events of ours";
  EXPECT_THAT(refusal(), HasSubstr("[events] topic must be"));
  config_ = whole;
  config_.events.username.clear();
  EXPECT_THAT(refusal(), HasSubstr("both username and password_file"));
  config_ = whole;
  EXPECT_TRUE(engines().check());
}

TEST_F(EventsInKafka, SendThePasswordItselfOverTlsAlone) {
  config_.events.mechanism = "PLAIN";
  config_.events.tls = false;
  EXPECT_THAT(refusal(), HasSubstr("needs tls = true"));
}

TEST_F(EventsInKafka, NeedAPasswordThatOthersCannotRead) {
  write_password("the-password\n", 0644);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("chmod o-rwx"), Not(HasSubstr("the-password"))));
  write_password("\n", 0600);
  EXPECT_THAT(refusal(), HasSubstr("holds nothing in its first line"));
}

}  // namespace
}  // namespace valetkey::admin
