// SPDX-License-Identifier: Apache-2.0
#include "server/keeper.h"

#include <sys/statvfs.h>

#include "base/log.h"

namespace valetkey::server {
namespace {

constexpr milliseconds kPeriod{1000};
constexpr milliseconds kSweepPeriod{60'000};

void observe_disk(Health& health, const std::filesystem::path& folder) {
  struct statvfs disk = {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;
  health.disk_total_bytes = disk.f_blocks * disk.f_frsize;
  health.disk_free_bytes = disk.f_bavail * disk.f_frsize;
}

void observe_keys(Health& health, const Keyring& keyring, Timestamp now) {
  for (const Key& key : keyring.keys())
    health.keys.push_back({key.purpose, key.id, keyring.state_of(key, now), key.created});
  for (const auto purpose : {KeyPurpose::session, KeyPurpose::object})
    if (const auto key = keyring.require_active(purpose, now); !key && health.no_key.empty())
      health.no_key = key.error().detail;
}

}  // namespace

Keeper::Keeper(Watched watched, const config::Config& config, const Clock& clock)
    : watched_(std::move(watched)),
      watermark_percent_(config.limits.disk_watermark_percent),
      min_free_bytes_(config.limits.min_free_bytes),
      clock_(clock),
      health_(std::make_shared<const Health>()) {}

Keeper::~Keeper() { stop(); }

void Keeper::start() {
  look();
  thread_ = std::thread([this] { run(); });
}

void Keeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::set_stopping() {
  const std::lock_guard lock(mutex_);
  leaving_ = true;
  auto changed = std::make_shared<Health>(*health_);
  changed->stopping = true;
  health_ = std::move(changed);
}

std::shared_ptr<const Health> Keeper::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

Health Keeper::observe() {
  Health out;
  out.looked = clock_.now();
  out.control_fresh = watched_.feed.fresh();
  if (!out.control_fresh)  // the feed only knows that it cannot look
    if (const auto asked = watched_.control.change_counter(); !asked)
      out.control_problem = asked.error().detail;
  out.watermark_percent = watermark_percent_;
  out.min_free_bytes = min_free_bytes_;
  if (const auto read = watched_.keys.reload(); !read) out.keyring_problem = read.error().detail;
  if (const auto page = watched_.objects.list(
          {.prefix = {}, .delimiter = {}, .start_after = {}, .max_entries = 1});
      !page)
    out.object_store_problem = page.error().detail;
  observe_disk(out, watched_.data_dir);
  observe_keys(out, *watched_.keys.get(), out.looked);
  if (watched_.exporting) out.exporting = watched_.exporting->health();
  if (watched_.tls) out.certificate_not_after = watched_.tls->not_after();
  return out;
}

void Keeper::look() {
  auto seen = std::make_shared<Health>(observe());
  std::shared_ptr<const Health> former;
  {
    const std::lock_guard lock(mutex_);
    seen->stopping = leaving_;
    former = std::exchange(health_, seen);
  }
  tell_changes(*former, *seen);
}

// A line when something begins or ends, not one a second.
void Keeper::tell_changes(const Health& former, const Health& now) const {
  const auto before_problems = former.problems(former.looked);
  const auto before_warnings = former.warnings(former.looked);
  const auto tell = [](const auto& before, const auto& after, log::Level level) {
    if (before.size() == after.size()) return;
    for (const auto& line : after) log::write(level, "server", "health", {{"problem", line}});
  };
  if (former.looked == Timestamp{}) {  // the first look has nothing to compare with
    tell(std::vector<std::string>{}, now.problems(now.looked), log::Level::error);
    tell(std::vector<std::string>{}, now.warnings(now.looked), log::Level::warn);
    return;
  }
  const auto problems = now.problems(now.looked), warnings = now.warnings(now.looked);
  tell(before_problems, problems, log::Level::error);
  tell(before_warnings, warnings, log::Level::warn);
  if (before_problems.size() + before_warnings.size() > 0 && problems.empty() && warnings.empty())
    log::info("server", "healthy again");
}

// Parts that were replaced stay readable for a while; then they go.
void Keeper::sweep() {
  const Timestamp now = clock_.now();
  if (now - swept_ < kSweepPeriod) return;
  swept_ = now;
  if (const auto done = watched_.objects.sweep(now); !done)
    log::warn("server", "replaced objects could not be removed", {{"why", done.error().detail}});
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPeriod, [this] { return stopping_; })) {
    lock.unlock();
    look();
    sweep();
    lock.lock();
  }
}

}  // namespace valetkey::server
