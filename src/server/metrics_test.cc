// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace valetkey::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr Timestamp kNow = Timestamp(std::chrono::seconds(1'800'000'000));

const http::Note kNobody;

http::Finished finished(std::string_view listener, int status, std::string_view path = "/") {
  return {.listener = listener,
          .method = http::Method::get,
          .method_name = "GET",
          .path = path,
          .status = status,
          .bytes_sent = 100,
          .duration = std::chrono::milliseconds(3),
          .client = {},
          .id = "id",
          .aborted = status == 599,
          .note = kNobody};
}

Health healthy() {
  Health out;
  out.looked = kNow;
  out.control_fresh = true;
  out.disk_total_bytes = 1000u << 20;
  out.disk_free_bytes = 500u << 20;
  out.watermark_percent = 90;
  out.min_free_bytes = 64u << 20;
  return out;
}

TEST(Metrics, CountsRequestsOfAllThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) metrics.requests().add(finished("s3", 206));
    });
  for (auto& thread : threads) thread.join();
  const std::string text = metrics.text(healthy(), kNow);
  EXPECT_THAT(text, HasSubstr("valetkey_http_requests_total{listener=\"s3\",method=\"GET\","
                              "status=\"2xx\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("valetkey_http_sent_bytes_total{listener=\"s3\"} 100000\n"));
  EXPECT_THAT(text,
              HasSubstr("valetkey_http_request_duration_seconds_count{listener=\"s3\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{listener=\"s3\",le=\"0.0025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{listener=\"s3\",le=\"0.005\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{listener=\"s3\",le=\"+Inf\"} 1000\n"));
}

TEST(Metrics, TellsExchangesByOutcome) {
  Metrics metrics;
  for (const int status : {200, 200, 401, 403, 429, 400, 503})
    metrics.requests().add(finished("api", status, "/v2/export/credentials"));
  metrics.requests().add(finished("api", 200, "/v2/export/credentials/container"));
  metrics.requests().add(finished("api", 200, "/v2/account"));
  const std::string text = metrics.text(healthy(), kNow);
  EXPECT_THAT(text, HasSubstr("exchanges_total{outcome=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("exchanges_total{outcome=\"refused\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("exchanges_total{outcome=\"limited\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("exchanges_total{outcome=\"invalid\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("exchanges_total{outcome=\"failed\"} 1\n"));
}

TEST(Metrics, NeverShowsAPath) {
  Metrics metrics;
  metrics.requests().add(finished("s3", 200, "/bucket/v1/account_id=4711/secret-name"));
  EXPECT_THAT(metrics.text(healthy(), kNow), Not(HasSubstr("4711")));
}

TEST(Metrics, BoundsTheNumberOfReasons) {
  Metrics metrics;
  for (int i = 0; i < 1000; ++i) metrics.refused("s3", "reason" + std::to_string(i));
  const std::string text = metrics.text(healthy(), kNow);
  EXPECT_THAT(text, HasSubstr("reason=\"other\"} 936\n"));
  EXPECT_THAT(text, Not(HasSubstr("reason999")));
}

TEST(Metrics, ShowDiskCertificateAndKeys) {
  Metrics metrics;
  metrics.corrupt_object();
  Health health = healthy();
  health.certificate_not_after = kNow + std::chrono::hours(1);
  health.keys.push_back({KeyPurpose::session, 3, KeyState::active, kNow - std::chrono::hours(1)});
  const std::string text = metrics.text(health, kNow);
  EXPECT_THAT(text, HasSubstr("valetkey_corrupt_objects_total 1\n"));
  EXPECT_THAT(text, HasSubstr("valetkey_disk_above_watermark 0\n"));
  EXPECT_THAT(text, HasSubstr("valetkey_tls_certificate_not_after_seconds 1800003600"));
  EXPECT_THAT(
      text,
      HasSubstr("valetkey_key_age_seconds{purpose=\"session\",id=\"3\",state=\"active\"} 3600\n"));
  EXPECT_THAT(text, HasSubstr("valetkey_ready 1\n"));
}

TEST(Health, IsReadyWhenAllIsWell) {
  EXPECT_THAT(healthy().problems(kNow), IsEmpty());
  EXPECT_THAT(healthy().warnings(kNow), IsEmpty());
}

TEST(Health, SaysInWordsWhatIsWrong) {
  const auto problem = [](const std::function<void(Health&)>& change) {
    Health health = healthy();
    change(health);
    const auto problems = health.problems(kNow);
    return problems.size() == 1 ? problems.front() : "";
  };
  EXPECT_THAT(problem([](Health& h) { h.stopping = true; }), HasSubstr("shutting down"));
  EXPECT_THAT(problem([](Health& h) { h.control_fresh = false; }), HasSubstr("control store"));
  EXPECT_THAT(problem([](Health& h) { h.object_store_problem = "gone"; }), HasSubstr("gone"));
  EXPECT_THAT(problem([](Health& h) { h.disk_free_bytes = 1 << 20; }),
              HasSubstr("the disk is full: 1 MiB free, 64 MiB needed"));
  EXPECT_THAT(problem([](Health& h) { h.looked = kNow - std::chrono::minutes(1); }),
              HasSubstr("checks"));
  EXPECT_THAT(problem([](Health& h) { h.exporting.emplace().intake_problem = "no space"; }),
              HasSubstr("events are not taken: no space"));
}

TEST(Metrics, SayWhetherEventsAreTaken) {
  Metrics metrics;
  Health health = healthy();
  health.exporting.emplace();
  EXPECT_THAT(metrics.text(health, kNow), HasSubstr("valetkey_intake_blocked 0\n"));
  health.exporting->intake_problem = "no space";
  EXPECT_THAT(metrics.text(health, kNow), HasSubstr("valetkey_intake_blocked 1\n"));
}

TEST(Health, WarnsBeforeItIsTooLate) {
  Health health = healthy();
  health.disk_free_bytes = 99u << 20;
  EXPECT_THAT(health.problems(kNow), IsEmpty());
  EXPECT_THAT(health.warnings(kNow), testing::ElementsAre(HasSubstr("above 90 %")));
  health = healthy();
  health.certificate_not_after = kNow + std::chrono::days(3);
  EXPECT_THAT(health.warnings(kNow), testing::ElementsAre(HasSubstr("expires on")));
  health.certificate_not_after = kNow - std::chrono::days(3);
  EXPECT_THAT(health.warnings(kNow), testing::ElementsAre(HasSubstr("expired on")));
}

TEST(Health, WarnsOfAnExportThatFailsAndStaysReady) {
  const Timestamp now = from_epoch_ms(1'000'000);
  Health health;
  health.looked = now;
  health.control_fresh = true;
  health.exporting.emplace().problem = "there is no libduckdb.so";
  EXPECT_TRUE(health.problems(now).empty());
  ASSERT_EQ(health.warnings(now).size(), 1u);
  EXPECT_THAT(health.warnings(now)[0], HasSubstr("no libduckdb.so"));
}

TEST(IntakeCounters, CountsReasonsUpToALimit) {
  IntakeCounters counters;
  for (int i = 0; i < 100; ++i) counters.dropped("", std::to_string(i), 2);
  EXPECT_EQ(counters.drops().size(), 65u);
  EXPECT_EQ(counters.drops().at("other"), 72u);
}

TEST(IntakeCounters, TakesBackWhatCouldNotBeWrittenDown) {
  IntakeCounters counters;
  const AccountId account = AccountId::parse("12").value();
  counters.dropped("12", "uuid", 1);
  counters.unknown("98", 2);
  auto taken = counters.take_losses();
  EXPECT_TRUE(counters.take_losses().empty());
  counters.altered(account, "text", 1);
  counters.unknown("99", 3);
  counters.give_back(std::move(taken));
  const auto all = counters.take_losses();
  EXPECT_EQ(all.dropped.at("12").at("uuid"), 1u);
  EXPECT_EQ(all.altered.at("12").at("text"), 1u);
  EXPECT_EQ(all.unknown_events, 5u);
  EXPECT_EQ(all.last_unknown, "99");
}

}  // namespace
}  // namespace valetkey::server
