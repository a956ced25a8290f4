// SPDX-License-Identifier: Apache-2.0
#include "client/fetch.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/crypto.h"
#include "base/joined_crc32.h"
#include "client/bounded.h"
#include "client/folder.h"
#include "client/internal/ordered_md5.h"
#include "http/co_try.h"

namespace valetkey::client {
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
std::string stated_md5(const ReadFacts& facts, const ListedObject& object) {
  return facts.etag_may_be_md5 ? md5_of_etag(object.etag) : "";
}

class Fetcher {
 public:
  Fetcher(Export& data, FetchTarget& target, FetchOptions options, TransferTotals& totals)
      : data_(data), target_(target), options_(std::move(options)), totals_(totals) {}
  http::Task<Result<void>> run(std::vector<ListedObject> objects);

 private:
  struct Wanted {
    ListedObject object;
    unsigned spoilt = 0;  // times that it arrived otherwise than is stated of it
  };
  struct Job {
    ListedObject object;
    unsigned spoilt = 0;
    FetchTarget::Partial partial;
    std::uint64_t parts_left = 0;
    struct Came {
      std::uint64_t end = 0;
      std::uint32_t crc32 = 0;
    };
    std::map<std::uint64_t, Came> came;         // parts, by where they begin
    ReadFacts facts;                            // of the object
    std::unique_ptr<OrderedMd5> md5 = nullptr;  // of one in parts, where that is what is stated
  };
  struct Part {
    std::shared_ptr<Job> job;  // shared: the last of its parts ends it
    std::uint64_t begin = 0, end = 0;
    bool look = false;  // no bytes: asks for the checksum of an object that comes in ranges
  };
  http::Task<Result<void>> work();
  std::optional<Part> next();
  void split(const std::shared_ptr<Job>& job);
  http::Task<Result<void>> look(Job& job);
  http::Task<Result<void>> fetch_part(const Part& part);
  Result<void> end(Job& job);
  Result<void> again(Job& job, const char* wrong);
  Result<const char*> check(Job& job);

  Export& data_;
  FetchTarget& target_;
  const FetchOptions options_;
  TransferTotals& totals_;
  std::deque<Wanted> waiting_;
  std::deque<Part> parts_;
  Result<void> result_;
};

http::Task<Result<void>> Fetcher::run(std::vector<ListedObject> objects) {
  // Of one object at most so many ranges are on their way at once.
  const std::size_t useful = std::min<std::uint64_t>(options_.connections, objects.size() * 64);
  for (ListedObject& object : objects) waiting_.push_back({std::move(object)});
  co_return co_await run_bounded(data_.loop(), useful, useful,
                                 [this](std::size_t) { return work(); });
}

http::Task<Result<void>> Fetcher::work() {
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
    auto partial = target_.create_partial(job->object.key);
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
http::Task<Result<void>> Fetcher::look(Job& job) {
  if (const auto facts = co_await data_.look(job.object.key, job.object.etag)) {
    job.facts.crc32 = facts->crc32;
    job.facts.etag_may_be_md5 = job.facts.etag_may_be_md5 && facts->etag_may_be_md5;
  }
  if (job.facts.crc32 || stated_md5(job.facts, job.object).empty()) co_return Result<void>{};
  job.md5 = std::make_unique<OrderedMd5>(job.partial.file.get(), job.object.size, job.object.key);
  for (const auto& [begin, part] : job.came) job.md5->arrived(begin, part.end);
  co_return Result<void>{};
}

http::Task<Result<void>> Fetcher::fetch_part(const Part& part) {
  Job& job = *part.job;
  const bool whole = part.begin == 0 && part.end == job.object.size;
  std::uint32_t crc = 0;
  std::uint64_t at = part.begin;
  const Sink sink = [&](std::string_view bytes) -> Result<void> {
    VALETKEY_CHECK(write_at(job.partial.file.get(), at, bytes, job.object.key));
    at += bytes.size();
    crc = crc32(crc, bytes);
    totals_.bytes_done += bytes.size();
    if (options_.moved) options_.moved();
    return {};
  };
  ReadQuery query;
  query.name = job.object.key;
  query.etag = job.object.etag;
  query.begin = part.begin;
  query.end = part.end;
  query.whole = whole;
  VALETKEY_CO_TRY(auto facts, co_await data_.read(query, sink));
  if (whole) job.facts.crc32 = facts.crc32;
  job.facts.etag_may_be_md5 = job.facts.etag_may_be_md5 && facts.etag_may_be_md5;
  job.came[part.begin] = {part.end, crc};
  if (job.md5) job.md5->arrived(part.begin, part.end);
  co_return Result<void>{};
}

// What spoils bytes on the way may spare them the next time.
Result<void> Fetcher::again(Job& job, const char* wrong) {
  target_.discard(job.partial);
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
  VALETKEY_TRY(const std::string md5,
               job.md5 ? job.md5->finish() : md5_of_file(job.partial.file.get(), job.object.key));
  return md5 == stated ? nullptr : "MD5 is not its ETag";
}

Result<void> Fetcher::end(Job& job) {
  VALETKEY_TRY(const char* const wrong, check(job));
  if (wrong != nullptr) return again(job, wrong);
  VALETKEY_CHECK(target_.commit(job.partial, job.object));
  ++totals_.files_done;
  if (options_.done) options_.done(job.object);
  return {};
}

}  // namespace

http::Task<Result<void>> fetch(Export& data, FetchTarget& target, std::vector<ListedObject> objects,
                               FetchOptions options, TransferTotals& totals) {
  Fetcher fetcher(data, target, std::move(options), totals);
  co_return co_await fetcher.run(std::move(objects));
}

}  // namespace valetkey::client
