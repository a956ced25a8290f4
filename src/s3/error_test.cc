// SPDX-License-Identifier: Apache-2.0
#include "s3/error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace valetkey::s3 {
namespace {

constexpr auto kCount = static_cast<std::size_t>(Code::x_amz_content_sha256_mismatch) + 1;

std::string table() {
  std::ostringstream out;
  for (std::size_t i = 0; i < kCount; ++i) {
    const CodeInfo& info = info_of(static_cast<Code>(i));
    out << info.status << ' ' << info.name << ": " << info.message << '\n';
  }
  out << "\nrefused signatures\n";
  for (int i = 0; i <= static_cast<int>(sigv4::Refusal::bad_encoding); ++i) {
    const Failure failure = failure_of(static_cast<sigv4::Refusal>(i));
    out << failure.reason << ": " << info_of(failure.code).status << ' '
        << info_of(failure.code).name << '\n';
  }
  return out.str();
}

TEST(Error, TableIsTheGoldenOne) {
  std::ifstream file(VALETKEY_SOURCE_DIR "/src/s3/testdata/errors.txt");
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(table(), golden);
}

TEST(Error, IsXmlWithEverythingEscaped) {
  Failure failure{Code::invalid_argument, "a<b", "<ArgumentName>x</ArgumentName>", {}, {}};
  const http::Response response =
      error_response(failure, http::Method::get, "/b/k<&>", "id-1", "host-1");
  EXPECT_EQ(response.status(), 400);
  EXPECT_EQ(response.body_bytes(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<Error><Code>InvalidArgument</Code><Message>a&lt;b</Message>"
            "<ArgumentName>x</ArgumentName><Resource>/b/k&lt;&amp;&gt;</Resource>"
            "<RequestId>id-1</RequestId><HostId>host-1</HostId></Error>");
}

TEST(Error, EncodesAPathThatIsNoText) {
  const http::Response response =
      error_response({Code::invalid_uri, {}, {}, {}, {}}, http::Method::get, "/b/\xFF", "id", "h");
  EXPECT_NE(response.body_bytes().find("<Resource>/b/%FF</Resource>"), std::string::npos);
}

TEST(Error, HasNoBodyForHead) {
  const http::Response response = error_response({Code::no_such_key, {}, {}, {}, {}},
                                                 http::Method::head, "/", "id-1", "host-1");
  EXPECT_EQ(response.status(), 404);
  EXPECT_EQ(response.body_bytes(), "");
}

TEST(Error, SaysNothingOfTheInside) {
  for (const ErrorCode code : {ErrorCode::io, ErrorCode::corrupt, ErrorCode::internal,
                               ErrorCode::denied, ErrorCode::full, ErrorCode::busy}) {
    const Failure failure = failure_of(Error{code, "/var/lib/place: broken"}, "key");
    EXPECT_EQ(failure.message + failure.details, "");
    EXPECT_GE(info_of(failure.code).status, 500);
  }
}

}  // namespace
}  // namespace valetkey::s3
