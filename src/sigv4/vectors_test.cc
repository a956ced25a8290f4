// SPDX-License-Identifier: Apache-2.0
// Golden vectors at every stage: those of testdata/ (documented S3 examples, requests signed by
// botocore) and, where it is at hand, the published suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/text.h"
#include "sigv4/sign.h"
#include "sigv4/verify.h"

namespace valetkey::sigv4 {
namespace {

namespace fs = std::filesystem;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// The text of a request file: one line, headers (a line that starts with a space goes on), body.
struct ParsedRequest {
  std::string method, path, query, body;
  Headers headers;

  explicit ParsedRequest(std::string_view text) {
    const std::string_view line = take_line(text);
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    const std::string_view target = line.substr(first + 1, last - first - 1);
    method = line.substr(0, first);
    path = target.substr(0, target.find('?'));
    query = target.substr(std::min(target.size(), path.size() + 1));
    while (!text.empty()) {
      const std::string_view header = take_line(text);
      if (header.empty()) break;
      const std::size_t colon = header.find(':');
      if (header.starts_with(' '))
        headers.back().second.append("\n").append(header);
      else
        headers.emplace_back(header.substr(0, colon), header.substr(colon + 1));
    }
    body = text;
  }
  static std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (equal_ignoring_case(key, name)) return value;
    return "";
  }
};

struct Vector {
  std::string name;
  bool presigned = false;
  PathRule rule = PathRule::s3;
  std::string region, service, secret, signed_request, canonical_request, string_to_sign, signature;
  bool token_is_signed = true;
};
void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

// testdata/<name>.txt: "--- section" lines divide it.
Vector read_own(const fs::path& file) {
  std::map<std::string, std::string> sections;
  std::string text = read_text(file);
  for (std::size_t at = text.find("\n--- "); at != std::string::npos;) {
    const std::size_t next = text.find("\n--- ", at + 1);
    const std::size_t line = text.find('\n', at + 1);
    sections[text.substr(at + 5, line - at - 5)] = text.substr(line + 1, next - line - 1);
    at = next;
  }
  return {file.stem(),
          sections["form"] == "query",
          PathRule::s3,
          sections["region"],
          "s3",
          sections["secret access key"],
          sections["request"],
          sections["canonical request"],
          sections["string to sign"],
          sections["signature"]};
}

std::string json_value(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 4;
  std::string value = json.substr(start, json.find_first_of(",\n", start) - start);
  std::erase(value, '"');
  return value;
}

Vector read_published(const fs::path& folder, const std::string& form) {
  const std::string context = read_text(folder / "context.json");
  const auto part = [&](const char* name) {
    return read_text(folder / (form + "-" + name + ".txt"));
  };
  const PathRule rule =
      json_value(context, "normalize") == "true" ? PathRule::normalised : PathRule::unnormalised;
  return {folder.filename().string() + "/" + form,
          form == "query",
          rule,
          json_value(context, "region"),
          json_value(context, "service"),
          json_value(context, "secret_access_key"),
          part("signed-request"),
          part("canonical-request"),
          part("string-to-sign"),
          part("signature"),
          json_value(context, "omit_session_token") != "true"};
}

std::string query_without(std::string_view query, const std::vector<std::string>& names) {
  std::string out;
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    const auto named = [&](const std::string& name) { return piece.starts_with(name + "="); };
    if (std::ranges::none_of(names, named)) out.append(out.empty() ? "" : "&").append(piece);
  }
  return out;
}

std::string query_value(const ParsedRequest& request, std::string_view name) {
  const auto parameters = http::parse_query(request.query);
  for (const auto& parameter : *parameters)
    if (parameter.name == name) return parameter.value;
  return "";
}

std::string amz_date_of(const Vector& vector) { return vector.string_to_sign.substr(17, 16); }

// What the signature covers, as the last lines of the canonical request and the signed request
// state it.
void expect_stages(const Vector& vector) {
  const ParsedRequest request(vector.signed_request);
  const std::string& wanted = vector.canonical_request;
  const std::size_t last = wanted.rfind('\n'), before = wanted.rfind('\n', last - 1);
  const std::string names = ";" + wanted.substr(before + 1, last - before - 1) + ";";
  std::vector<SignedHeader> headers;
  for (const auto& [name, value] : request.headers) {
    std::string wrapped = ";" + name + ";";
    std::ranges::transform(wrapped, wrapped.begin(),
                           [](unsigned char c) { return std::tolower(c); });
    if (names.contains(wrapped)) headers.push_back({name, value});
  }
  const std::string query = vector.token_is_signed
                                ? request.query
                                : query_without(request.query, {"X-Amz-Security-Token"});
  EXPECT_EQ(canonical_request(request.method, request.path, vector.rule, query, "X-Amz-Signature",
                              headers, wanted.substr(last + 1)),
            wanted);
  const std::string amz_date = amz_date_of(vector);
  const CredentialScope scope{amz_date.substr(0, 8), vector.region, vector.service};
  EXPECT_EQ(string_to_sign(amz_date, scope, wanted), vector.string_to_sign);
  EXPECT_EQ(signature(signing_key(Secret(vector.secret), scope), vector.string_to_sign),
            vector.signature);
}

bool is_added(const std::string& name) {
  return equal_ignoring_case(name, "Authorization") || equal_ignoring_case(name, "X-Amz-Date") ||
         equal_ignoring_case(name, "X-Amz-Security-Token");
}

// The request before it was signed, and with whose key.
std::pair<ToSign, SigningCredentials> unsigned_form(const Vector& vector) {
  const ParsedRequest request(vector.signed_request);
  ToSign to_sign;
  to_sign.method = request.method;
  to_sign.path = request.path;
  to_sign.rule = vector.rule;
  to_sign.region = vector.region;
  to_sign.service = vector.service;
  to_sign.query = query_without(
      request.query, {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                      "X-Amz-SignedHeaders", "X-Amz-Security-Token", "X-Amz-Signature"});
  to_sign.payload_hash = vector.canonical_request.substr(vector.canonical_request.rfind('\n') + 1);
  const bool adds_hash = vector.service == "s3";
  for (const auto& header : request.headers)
    if (!is_added(header.first) &&
        !(adds_hash && equal_ignoring_case(header.first, "X-Amz-Content-Sha256")))
      to_sign.headers.push_back(header);
  const std::string authorization = request.header("authorization");
  const std::string credential = vector.presigned
                                     ? query_value(request, "X-Amz-Credential")
                                     : authorization.substr(authorization.find('=') + 1);
  std::string token = vector.presigned ? query_value(request, "X-Amz-Security-Token")
                                       : request.header("x-amz-security-token");
  SigningCredentials credentials{credential.substr(0, credential.find('/')), Secret(vector.secret),
                                 std::nullopt};
  if (!token.empty() && vector.token_is_signed) credentials.session_token = Secret(token);
  return {to_sign, credentials};
}

void expect_signing(const Vector& vector) {
  const auto [to_sign, credentials] = unsigned_form(vector);
  const Timestamp now = parse_amz_date(amz_date_of(vector)).value();
  const ParsedRequest request(vector.signed_request);
  if (vector.presigned) {
    const seconds expires(std::stoi(query_value(request, "X-Amz-Expires")));
    EXPECT_THAT(presign_query(to_sign, credentials, now, expires),
                testing::EndsWith("&X-Amz-Signature=" + vector.signature));
  } else {
    std::string wanted = request.header("authorization");
    wanted.erase(0, wanted.find('A'));
    EXPECT_EQ(sign_headers(to_sign, credentials, now).back().second, wanted);
  }
}

void expect_verified(const Vector& vector) {
  const ParsedRequest parsed(vector.signed_request);
  http::Request request;
  request.method_name = parsed.method;
  request.path = parsed.path;
  request.query = parsed.query;
  for (const auto& [name, value] : parsed.headers)
    request.headers.push_back({name, std::string_view(value).substr(value.find_first_not_of(' '))});
  const auto claim = read_claim(request, parse_amz_date(amz_date_of(vector)).value());
  ASSERT_TRUE(claim) << static_cast<int>(claim.error());
  EXPECT_EQ(claim->presigned, vector.presigned);
  EXPECT_TRUE(verify(request, *claim, signing_key(Secret(vector.secret), claim->scope)));
}

class OwnVectors : public testing::TestWithParam<Vector> {};
TEST_P(OwnVectors, AgreeAtEveryStage) {
  expect_stages(GetParam());
  expect_signing(GetParam());
  expect_verified(GetParam());
}

std::vector<Vector> own_vectors() {
  std::vector<Vector> vectors;
  for (const auto& file : fs::directory_iterator(VALETKEY_SOURCE_DIR "/src/sigv4/testdata"))
    vectors.push_back(read_own(file.path()));
  std::ranges::sort(vectors, {}, &Vector::name);
  return vectors;
}
INSTANTIATE_TEST_SUITE_P(Testdata, OwnVectors, testing::ValuesIn(own_vectors()),
                         [](const auto& each) {
                           std::string name = each.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(PublishedVectors, AgreeAtEveryStage) {
  const fs::path folder = VALETKEY_SOURCE_DIR "/../shared/vectors/sigv4";
  if (!fs::exists(folder)) GTEST_SKIP() << "the published suite is not at " << folder;
  int read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    for (const char* form : {"header", "query"}) {
      SCOPED_TRACE(entry.path().filename().string() + "/" + form);
      const Vector vector = read_published(entry.path(), form);
      expect_stages(vector);
      expect_signing(vector);
      ++read;
    }
  }
  EXPECT_GE(read, 70);
}

}  // namespace
}  // namespace valetkey::sigv4
