// SPDX-License-Identifier: Apache-2.0
#include "client/reader.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>

#include "base/version.h"
#include "client/export.h"
#include "client/fetch.h"
#include "client/output_file.h"

namespace valetkey::client {
namespace {

using http::Task;

http::ClientOptions http_options(const Profile& profile) {
  http::ClientOptions options;
  options.ca_file = profile.ca_file;
  options.user_agent = fmt::format("valetkey-client/{}", kVersion);
  return options;
}

SessionOptions session_options(const Profile& profile, const ReaderOptions& reader) {
  SessionOptions options;
  options.api = profile.api;
  options.token = profile.token;
  options.allow_http = profile.allow_http;
  options.patience = reader.patience;
  return options;
}

ReadQuery query_of(const ListedObject& object, std::uint64_t begin, std::uint64_t end) {
  ReadQuery query;
  query.name = object.key;
  query.etag = object.etag;
  query.begin = begin;
  query.end = end;
  query.whole = begin == 0 && end == object.size;
  return query;
}

class OneFile final : public FetchTarget {
 public:
  explicit OneFile(const std::filesystem::path& path) : path_(path) {}
  Result<Partial> create_partial(const std::string&) override {
    VALETKEY_TRY(output_, OutputFile::create(path_));
    VALETKEY_TRY(FileDescriptor content, output_->open_content());
    return Partial{std::move(content), {}};
  }
  Result<void> commit(Partial&, const ListedObject&) override { return output_->finish(); }
  void discard(Partial&) override { output_.reset(); }

 private:
  const std::filesystem::path& path_;
  std::unique_ptr<OutputFile> output_;
};

}  // namespace

struct Reader::State {
  State(Profile given, const ReaderOptions& options)
      : profile(std::move(given)),
        http(loop, http_options(profile)),
        session(loop, http, clock, session_options(profile, options)),
        data(loop, http, session, clock, {.patience = options.patience}),
        connections(options.connections) {}

  // Runs the loop until the task has ended.
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    Result<T> result = fail(ErrorCode::internal, "the call did not end");
    loop.restart();
    http::asio::co_spawn(loop, std::move(task),
                         [&](const std::exception_ptr& broken, Result<T> value) {
                           if (!broken) result = std::move(value);
                           loop.stop();
                         });
    loop.run();
    return result;
  }

  Profile profile;
  SystemClock clock;
  http::asio::io_context loop{1};
  http::Client http;
  Session session;
  Export data;
  unsigned connections;
};

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>> Reader::open(Profile profile, ReaderOptions options) {
  if (profile.token.empty())
    return fail(ErrorCode::invalid, "there is no token: set VALETKEY_TOKEN_FILE or VALETKEY_TOKEN");
  VALETKEY_TRY(const auto url, http::Url::parse(profile.api));
  VALETKEY_CHECK(check_private(url, profile.allow_http));
  return std::unique_ptr<Reader>(new Reader(std::make_unique<State>(std::move(profile), options)));
}

Result<AwsCredentials> Reader::credentials() {
  VALETKEY_TRY(const auto grant, state_->run(state_->session.get()));
  return AwsCredentials{grant->keys.access_key_id,
                        grant->keys.secret_access_key,
                        *grant->keys.session_token,
                        grant->expires,
                        grant->bucket,
                        grant->prefix,
                        grant->endpoint,
                        grant->region};
}

Result<std::vector<ListedObject>> Reader::list(const std::string& prefix) {
  ListQuery query;
  query.prefix = prefix;
  VALETKEY_TRY(auto page, state_->run(state_->data.list(query)));
  return std::move(page.objects);
}

Result<std::string> Reader::read(const ListedObject& object, std::uint64_t begin,
                                 std::uint64_t end) {
  if (begin > end || end > object.size)
    return fail(ErrorCode::invalid, object.key + ": the range is not in the object");
  std::string bytes;
  if (begin == end) return bytes;
  const Sink sink = [&bytes](std::string_view more) -> Result<void> {
    bytes += more;
    return {};
  };
  VALETKEY_CHECK(state_->run(state_->data.read(query_of(object, begin, end), sink)));
  return bytes;
}

Result<void> Reader::download(const ListedObject& object, const std::filesystem::path& path) {
  OneFile target(path);
  TransferTotals totals;
  return state_->run(fetch(state_->data, target, {object}, {state_->connections, {}, {}}, totals));
}

}  // namespace valetkey::client
