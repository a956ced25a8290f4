// SPDX-License-Identifier: Apache-2.0
#include "cli/sync.h"

#include <unistd.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
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
    auto fetched = co_await fetch_part(*part);
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
    job->id = next_id_++;
    auto file = folder_.create_partial(job->id);
    if (!file) {
      result_ = std::unexpected(file.error());
      return std::nullopt;
    }
    job->file = std::move(*file);
    const std::uint64_t size = job->object.size;
    const std::uint64_t step = size > kSplitAbove ? kRangeBytes : std::max<std::uint64_t>(size, 1);
    if (size > kSplitAbove && !client::md5_of_etag(job->object.etag).empty())
      job->md5 = std::make_unique<OrderedMd5>(job->file.get(), size, job->object.key);
    for (std::uint64_t at = 0; at < std::max<std::uint64_t>(size, 1); at += step) {
      ++job->parts_left;
      parts_.push_back({job, at, std::min(size, at + step)});
    }
  }
  Part part = std::move(parts_.front());
  parts_.pop_front();
  return part;
}

Task<Result<void>> Fetcher::fetch_part(const Part& part) {
  Job& job = *part.job;
  const bool whole = part.begin == 0 && part.end == job.object.size;
  Md5 md5;
  std::uint64_t at = part.begin;
  const client::Sink sink = [&](std::string_view bytes) -> Result<void> {
    VALETKEY_CHECK(write_at(job.file.get(), at, bytes, job.object.key));
    at += bytes.size();
    if (whole) md5.update(bytes);
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
  job.may_be_md5 = job.may_be_md5 && facts->etag_may_be_md5;
  if (!job.may_be_md5) job.md5.reset();
  if (job.md5) job.md5->arrived(part.begin, part.end);
  if (--job.parts_left > 0) co_return Result<void>{};
  std::string digest;
  if (whole) {
    const auto bytes = md5.finish();
    digest = hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } else if (job.md5) {
    auto computed = job.md5->finish();
    if (!computed) co_return std::unexpected(computed.error());
    digest = *computed;
  }
  co_return end(job, digest);
}

// What spoils bytes on the way may spare them the next time.
Result<void> Fetcher::again(Job& job) {
  folder_.discard(job.id);
  if (job.spoilt + 1 >= kSpoiltAttempts)
    return fail(ErrorCode::corrupt,
                job.object.key + " did not arrive as it is: its MD5 is not its ETag");
  totals_.bytes_done -= job.object.size;
  waiting_.push_back({std::move(job.object), job.spoilt + 1});
  return {};
}

Result<void> Fetcher::end(Job& job, const std::string& md5) {
  const std::string stated = job.may_be_md5 ? client::md5_of_etag(job.object.etag) : "";
  if (!stated.empty() && stated != md5) return again(job);
  VALETKEY_CHECK(folder_.commit(job.id, job.object));
  ++totals_.files_done;
  events_.done(job.object);
  return {};
}

}  // namespace valetkey::cli
