// SPDX-License-Identifier: Apache-2.0
#include "cli/sync.h"

#include <unistd.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/joined_crc32.h"
#include "cli/bounded.h"

namespace valetkey::cli {
namespace {

constexpr unsigned kSpoiltAttempts = 4;

Result<void> write_at(int fd, std::uint64_t at, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what);
    at += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// The MD5 that a whole object must have, or nothing.
std::string stated_md5(const client::ReadFacts& facts, const client::ListedObject& object) {
  return facts.etag_may_be_md5 ? client::md5_of_etag(object.etag) : "";
}

}  // namespace

Task<Result<void>> Fetcher::fetch(std::vector<client::ListedObject> objects, unsigned connections) {
  for (client::ListedObject& object : objects) waiting_.push_back({std::move(object)});
  const std::size_t useful = std::min<std::uint64_t>(connections, totals_.files * 64);
  co_return co_await run_bounded(context_.loop(), useful, useful,
                                 [this](std::size_t) { return work(); });
}

Task<Result<void>> Fetcher::work() {
  while (result_) {
    auto part = next();
    if (!part) break;
    auto fetched = co_await (part->look ? look(*part->job) : fetch_part(*part));
    if (fetched && --part->job->parts_left == 0) fetched = end(*part->job);
    if (!fetched && result_) result_ = std::move(fetched);
  }
  co_return result_;
}

std::optional<Fetcher::Part> Fetcher::next() {
  if (parts_.empty()) {
    if (waiting_.empty()) return std::nullopt;
    auto job = std::make_shared<Job>();
    job->object = std::move(waiting_.front().object);
    job->spoilt = waiting_.front().spoilt;
    waiting_.pop_front();
    auto partial = folder_.create_partial(job->object.key);
    if (!partial) {
      result_ = std::unexpected(partial.error());
      return std::nullopt;
    }
    job->partial = std::move(*partial);
    split(job);
  }
  Part part = std::move(parts_.front());
  parts_.pop_front();
  return part;
}

void Fetcher::split(const std::shared_ptr<Job>& job) {
  const std::uint64_t size = std::max<std::uint64_t>(job->object.size, 1);
  const bool ranges = size > kSplitAbove;
  if (ranges) parts_.push_back({job, 0, 0, true});
  const std::uint64_t step = ranges ? kRangeBytes : size;
  for (std::uint64_t at = 0; at < size; at += step)
    parts_.push_back({job, at, std::min(job->object.size, at + step), false});
  job->parts_left = parts_.size();
}

// A CRC-32 is put together of those of the ranges. An MD5, where that is all that is stated, costs
// as much as the rest of the work, and can be computed in order only.
Task<Result<void>> Fetcher::look(Job& job) {
  if (const auto facts = co_await context_.data().look(job.object.key, job.object.etag)) {
    job.facts.crc32 = facts->crc32;
    job.facts.etag_may_be_md5 = job.facts.etag_may_be_md5 && facts->etag_may_be_md5;
  }
  if (job.facts.crc32 || stated_md5(job.facts, job.object).empty()) co_return Result<void>{};
  job.md5 = std::make_unique<OrderedMd5>(job.partial.file.get(), job.object.size, job.object.key);
  for (const auto& [begin, part] : job.came) job.md5->arrived(begin, part.end);
  co_return Result<void>{};
}

Task<Result<void>> Fetcher::fetch_part(const Part& part) {
  Job& job = *part.job;
  const bool whole = part.begin == 0 && part.end == job.object.size;
  std::uint32_t crc = 0;
  std::uint64_t at = part.begin;
  const client::Sink sink = [&](std::string_view bytes) -> Result<void> {
    VALETKEY_CHECK(write_at(job.partial.file.get(), at, bytes, job.object.key));
    at += bytes.size();
    crc = crc32(crc, bytes);
    totals_.bytes_done += bytes.size();
    events_.moved();
    return {};
  };
  client::ReadQuery query;
  query.name = job.object.key;
  query.etag = job.object.etag;
  query.begin = part.begin;
  query.end = part.end;
  query.whole = whole;
  auto facts = co_await context_.data().read(query, sink);
  if (!facts) co_return std::unexpected(facts.error());
  if (whole) job.facts.crc32 = facts->crc32;
  job.facts.etag_may_be_md5 = job.facts.etag_may_be_md5 && facts->etag_may_be_md5;
  job.came[part.begin] = {part.end, crc};
  if (job.md5) job.md5->arrived(part.begin, part.end);
  co_return Result<void>{};
}

// What spoils bytes on the way may spare them the next time.
Result<void> Fetcher::again(Job& job, const char* wrong) {
  folder_.discard(job.partial);
  if (job.spoilt + 1 >= kSpoiltAttempts)
    return fail(ErrorCode::corrupt, job.object.key + " did not arrive as it is: its " + wrong);
  totals_.bytes_done -= job.object.size;
  waiting_.push_back({std::move(job.object), job.spoilt + 1});
  return {};
}

// What of the object is not as it was stated, or null.
Result<const char*> Fetcher::check(Job& job) {
  if (job.facts.crc32) {
    std::uint32_t crc = 0;
    for (const auto& [begin, part] : job.came)
      crc = joined_crc32(crc, part.crc32, part.end - begin);
    return crc == *job.facts.crc32 ? nullptr : "CRC-32 is not the one that the endpoint states";
  }
  const std::string stated = stated_md5(job.facts, job.object);
  if (stated.empty()) return nullptr;
  VALETKEY_TRY(
      const std::string md5,
      job.md5 ? job.md5->finish() : client::md5_of_file(job.partial.file.get(), job.object.key));
  return md5 == stated ? nullptr : "MD5 is not its ETag";
}

Result<void> Fetcher::end(Job& job) {
  VALETKEY_TRY(const char* const wrong, check(job));
  if (wrong != nullptr) return again(job, wrong);
  VALETKEY_CHECK(folder_.commit(job.partial, job.object));
  ++totals_.files_done;
  events_.done(job.object);
  return {};
}

}  // namespace valetkey::cli
