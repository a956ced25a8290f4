// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <pugixml.hpp>
#include <set>

#include "bucket/testing/fake_bucket.h"

namespace valetkey::bucket::testing {
namespace {

using aws::testing::answer;
using aws::testing::header;

std::string md5_hex(std::string_view bytes) {
  Md5 md5;
  md5.update(bytes);
  const auto digest = md5.finish();
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

http::ClientResponse error(int status, const std::string& code) {
  return answer(status, "<Error><Code>" + code + "</Code><Message/></Error>");
}

const std::string* find(const std::vector<http::QueryParameter>& query, std::string_view name) {
  for (const auto& parameter : query)
    if (parameter.name == name) return &parameter.value;
  return nullptr;
}

std::string value(const std::vector<http::QueryParameter>& query, std::string_view name) {
  const auto* found = find(query, name);
  return found ? *found : "";
}

bool is_whole(const http::ClientRequest& request) {
  if (header(request, "x-amz-content-sha256") != sha256_hex(std::string(request.payload())))
    return false;
  if (request.method != "PUT" && request.method != "POST") return true;
  return hex(unbase64(header(request, "Content-MD5")).value_or("")) ==
         md5_hex(std::string(request.payload()));
}

}  // namespace

Result<http::ClientResponse> FakeBucket::fetch(http::ClientRequest request) {
  const std::lock_guard lock(mutex_);
  ++requests;
  const Fault fault = failing_ > 0 && failing_-- > 0 ? fault_ : Fault::none;
  const auto dropped = [] { return fail(ErrorCode::unavailable, "the connection broke"); };
  if (fault == Fault::slow_down) return error(503, "SlowDown");
  if (fault == Fault::internal) return error(500, "InternalError");
  if (fault == Fault::drop_before) return dropped();
  auto result = is_whole(request) ? carry_out(request) : error(400, "BadDigest");
  if (fault == Fault::drop_after) return dropped();
  return result;
}

namespace {

// Ends before its body does.
class CutDownload final : public http::Download {
 public:
  CutDownload(std::unique_ptr<http::Download> whole, std::size_t bytes)
      : whole_(std::move(whole)), left_(bytes) {}
  const http::ClientResponse& response() const override { return whole_->response(); }
  std::uint64_t announced() const override { return whole_->announced(); }
  Result<std::size_t> read(std::span<char> out) override {
    if (left_ == 0) return fail(ErrorCode::unavailable, "the connection broke");
    VALETKEY_TRY(const std::size_t got, whole_->read(out.first(std::min(out.size(), left_))));
    left_ -= got;
    return got;
  }
  std::size_t read_now(std::span<char> out) override {
    const std::size_t got = whole_->read_now(out.first(std::min(out.size(), left_)));
    left_ -= got;
    return got;
  }

 private:
  std::unique_ptr<http::Download> whole_;
  std::size_t left_;
};

}  // namespace

Result<std::unique_ptr<http::Download>> FakeBucket::open(http::ClientRequest request) {
  VALETKEY_TRY(auto whole, WholeFetcher::open(std::move(request)));
  const std::lock_guard lock(mutex_);
  if (cutting_ == 0) return whole;
  --cutting_;
  return std::make_unique<CutDownload>(std::move(whole), cut_at_);
}

http::ClientResponse FakeBucket::carry_out(const http::ClientRequest& request) {
  const std::string& target = request.url.target;
  const auto mark = std::min(target.find('?'), target.size());
  const std::string path = percent_decode(target.substr(1, mark - 1)).value();
  const auto query =
      http::parse_query(target.substr(std::min(mark + 1, target.size())), false).value();
  const auto slash = path.find('/');
  const std::string bucket = path.substr(0, slash);
  if (bucket != "lake" && bucket != "inside") return error(404, "NoSuchBucket");
  return slash == std::string::npos ? bucket_call(request, bucket, query)
                                    : object_call(request, path, query);
}

http::ClientResponse FakeBucket::bucket_call(const http::ClientRequest& request,
                                             const std::string& bucket,
                                             const std::vector<http::QueryParameter>& query) {
  if (request.method == "GET") return list(bucket, query);
  if (request.method == "POST" && find(query, "delete"))
    return remove_many(bucket, std::string(request.payload()));
  return error(405, "MethodNotAllowed");
}

http::ClientResponse FakeBucket::object_call(const http::ClientRequest& request,
                                             const std::string& name,
                                             const std::vector<http::QueryParameter>& query) {
  const std::string id = value(query, "uploadId");
  if (!id.empty() && !uploads.contains(id)) return error(404, "NoSuchUpload");
  if (request.method == "GET" || request.method == "HEAD")
    return read(request, name, request.method == "HEAD");
  if (request.method == "DELETE") {
    if (id.empty()) objects.erase(name);
    uploads.erase(id);
    return answer(204);
  }
  if (request.method == "POST" && find(query, "uploads")) {
    const std::string made = "upload-" + std::to_string(++last_upload_);
    uploads[made];
    return answer(200, "<InitiateMultipartUploadResult><UploadId>" + made +
                           "</UploadId></InitiateMultipartUploadResult>");
  }
  if (request.method == "POST" && !id.empty()) return complete(name, id, request);
  if (request.method != "PUT") return error(405, "MethodNotAllowed");
  if (id.empty()) return put(name, std::string(request.payload()), request);
  uploads[id][std::stoi(value(query, "partNumber"))] = std::string(request.payload());
  auto done = answer(200);
  done.headers = {{"ETag", "\"" + md5_hex(std::string(request.payload())) + "\""}};
  return done;
}

http::ClientResponse FakeBucket::put(const std::string& name, std::string content,
                                     const http::ClientRequest& request, const std::string& etag) {
  Object object{std::move(content), etag, {}};
  if (etag.empty()) object.etag = md5_hex(object.content);
  for (const auto& [key, text] : request.headers)
    if (key.starts_with("x-amz-meta-") || key.starts_with("x-amz-server-side"))
      object.metadata[key] = text;
  auto done = answer(200);
  done.headers = {{"ETag", "\"" + object.etag + "\""}};
  objects[name] = std::move(object);
  return done;
}

http::ClientResponse FakeBucket::complete(const std::string& name, const std::string& id,
                                          const http::ClientRequest& request) {
  pugi::xml_document document;
  document.load_string(std::string(request.payload()).c_str());
  std::string content;
  int last = 0, count = 0;
  for (const auto& part : document.child("CompleteMultipartUpload").children("Part")) {
    const int number = std::stoi(part.child_value("PartNumber"));
    const auto& bytes = uploads[id][number];
    if (number <= last || part.child_value("ETag") != "\"" + md5_hex(bytes) + "\"")
      return error(400, "InvalidPart");
    last = number;
    ++count;
    content += bytes;
  }
  uploads.erase(id);
  const std::string etag = md5_hex(content) + "-" + std::to_string(count);
  (void)put(name, std::move(content), request, etag);
  return answer(200, "<CompleteMultipartUploadResult><ETag>\"" + etag +
                         "\"</ETag></CompleteMultipartUploadResult>");
}

http::ClientResponse FakeBucket::read(const http::ClientRequest& request, const std::string& name,
                                      bool head) {
  const auto found = objects.find(name);
  if (found == objects.end()) return head ? answer(404) : error(404, "NoSuchKey");
  const Object& object = found->second;
  const std::string match = header(request, "If-Match");
  if (!match.empty() && match != "\"" + object.etag + "\"") return error(412, "PreconditionFailed");
  auto done = answer(200, head ? "" : object.content);
  const std::string range = header(request, "Range");
  if (!head) ranges.push_back(range);
  if (!range.empty()) {
    const auto dash = range.find('-');
    const auto from = std::stoull(range.substr(6, dash - 6));
    const auto to = std::stoull(range.substr(dash + 1));
    done = answer(206, object.content.substr(from, to - from + 1));
  }
  done.headers = {{"ETag", "\"" + object.etag + "\""},
                  {"Last-Modified", modified_},
                  {"Content-Length", std::to_string(object.content.size())}};
  for (const auto& [key, text] : object.metadata) done.headers.emplace_back(key, text);
  return done;
}

http::ClientResponse FakeBucket::list(const std::string& bucket,
                                      const std::vector<http::QueryParameter>& query) {
  const std::string prefix = value(query, "prefix"), delimiter = value(query, "delimiter");
  const std::string after = value(query, "start-after");
  const auto most = static_cast<std::size_t>(std::stoi(value(query, "max-keys")));
  std::map<std::string, std::string> entries;  // in order, with what stands for each
  for (const auto& [name, object] : objects) {
    if (!name.starts_with(bucket + "/")) continue;
    const std::string key = name.substr(bucket.size() + 1);
    if (!key.starts_with(prefix) || key <= after) continue;
    const auto at = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    if (at != std::string::npos) {
      const std::string common = key.substr(0, at + delimiter.size());
      entries[common] =
          "<CommonPrefixes><Prefix>" + percent_encode(common, true) + "</Prefix></CommonPrefixes>";
      continue;
    }
    entries[key] = "<Contents><Key>" + percent_encode(key, true) +
                   "</Key><LastModified>2026-11-29T10:00:00.000Z</LastModified><ETag>&quot;" +
                   object.etag + "&quot;</ETag><Size>" + std::to_string(object.content.size()) +
                   "</Size></Contents>";
  }
  std::string text = "<ListBucketResult><EncodingType>url</EncodingType>";
  std::size_t count = 0;
  for (const auto& [name, xml] : entries)
    if (count++ < most) text += xml;
  text +=
      std::string("<IsTruncated>") + (entries.size() > most ? "true" : "false") + "</IsTruncated>";
  if (entries.size() > most) text += "<NextContinuationToken>t</NextContinuationToken>";
  return answer(200, text + "</ListBucketResult>");
}

http::ClientResponse FakeBucket::remove_many(const std::string& bucket,
                                             const std::string& document) {
  pugi::xml_document parsed;
  if (!parsed.load_string(document.c_str())) return error(400, "MalformedXML");
  for (const auto& object : parsed.child("Delete").children("Object"))
    objects.erase(bucket + "/" + object.child_value("Key"));
  return answer(200, "<DeleteResult/>");
}

}  // namespace valetkey::bucket::testing
