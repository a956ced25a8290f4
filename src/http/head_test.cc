// SPDX-License-Identifier: Apache-2.0
#include "http/internal/head.h"

#include <gtest/gtest.h>

#include "http/internal/chunked.h"

namespace valetkey::http {
namespace {

struct Parsed {
  HeadFault fault;
  Request request;
  Framing framing;
};

// `lines` stand between the request line and the empty line.
Parsed parse(const std::string& lines, const std::string& start = "GET /a/b?c=d HTTP/1.1\r\n") {
  static std::string head;  // the views of the last result
  head = start + lines + "\r\n";
  Parsed parsed{};
  parsed.fault = parse_request_head(head, 10, parsed.request, parsed.framing);
  return parsed;
}

bool refuses(const std::string& lines, const std::string& start = "GET / HTTP/1.1\r\n") {
  return parse(lines, start).fault == HeadFault::malformed;
}

const std::string kHost = "Host: h\r\n";

TEST(RequestHead, GivesViewsOfWhatWasSent) {
  const Parsed p = parse("Host: example.org:8080\r\nX-A: \t one two \t\r\nEmpty:\r\n");
  ASSERT_EQ(p.fault, HeadFault::none);
  EXPECT_EQ(p.request.method, Method::get);
  EXPECT_EQ(p.request.target, "/a/b?c=d");
  EXPECT_EQ(p.request.path, "/a/b");
  EXPECT_EQ(p.request.query, "c=d");
  EXPECT_EQ(p.request.header("x-a"), "one two");
  EXPECT_EQ(p.request.header("empty"), "");
  EXPECT_TRUE(p.framing.keep_alive);
  EXPECT_FALSE(p.framing.has_body());
}

TEST(RequestHead, KnowsMethodsByTheirExactName) {
  EXPECT_EQ(parse(kHost, "DELETE /x HTTP/1.1\r\n").request.method, Method::delete_);
  EXPECT_EQ(parse(kHost, "get /x HTTP/1.1\r\n").request.method, Method::other);
  EXPECT_EQ(parse(kHost, "PROPFIND /x HTTP/1.1\r\n").request.method_name, "PROPFIND");
}

TEST(RequestHead, TakesOneHostAndNoOther) {
  EXPECT_TRUE(refuses(""));
  EXPECT_TRUE(refuses(kHost + kHost));
  EXPECT_TRUE(refuses("Host:\r\n"));
  EXPECT_TRUE(refuses("Host: a b\r\n"));
  EXPECT_TRUE(refuses("Host: a/b\r\n"));
  EXPECT_FALSE(refuses("", "GET / HTTP/1.0\r\n"));
  EXPECT_TRUE(refuses(kHost + kHost, "GET / HTTP/1.0\r\n"));
}

TEST(RequestHead, RefusesWhateverFramesTheBodyTwice) {
  EXPECT_TRUE(refuses(kHost + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(refuses(kHost + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(refuses(kHost + "Content-Length: 1\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(refuses(kHost + "Content-Length: 1, 1\r\n"));
  EXPECT_TRUE(refuses(kHost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
}

TEST(RequestHead, RefusesLengthsAndCodingsItDoesNotKnowExactly) {
  for (const char* length : {"", "+1", "-1", "1x", "0x1", "1 1", "18446744073709551616", "1;"})
    EXPECT_TRUE(refuses(kHost + "Content-Length: " + length + "\r\n")) << length;
  for (const char* coding :
       {"", "gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked;q=1", "xchunked"})
    EXPECT_TRUE(refuses(kHost + "Transfer-Encoding: " + coding + "\r\n")) << coding;
  EXPECT_TRUE(refuses(kHost + "Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0\r\n"));
  EXPECT_TRUE(parse(kHost + "Transfer-Encoding: Chunked\r\n").framing.chunked);
  EXPECT_EQ(parse(kHost + "Content-Length: 18446744073709551615\r\n").framing.content_length,
            UINT64_MAX);
}

TEST(RequestHead, RefusesFoldedLines) {
  EXPECT_TRUE(refuses(kHost + "X: a\r\n b\r\n"));
  EXPECT_TRUE(refuses(kHost + "X:\r\n b\r\n"));
  EXPECT_TRUE(refuses(kHost + "X:\r\n\t\r\n"));
  EXPECT_TRUE(refuses(" X: a\r\n" + kHost));
}

TEST(RequestHead, RefusesOddBytes) {
  EXPECT_TRUE(refuses(kHost + "X : a\r\n"));
  EXPECT_TRUE(refuses(kHost + "X\r\n"));
  EXPECT_TRUE(refuses(kHost + ": a\r\n"));
  EXPECT_TRUE(refuses(kHost + "X\x80: a\r\n"));
  EXPECT_TRUE(refuses(kHost + std::string("X: a\0b\r\n", 8)));
  EXPECT_TRUE(refuses(kHost + "X: a\rb\r\n"));
  EXPECT_TRUE(refuses(kHost + "X: a\x7f\r\n"));
}

TEST(RequestHead, RefusesOddRequestLines) {
  for (const char* start :
       {"GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET / HTTP/1.2\r\n", "GET / HTTP/2.0\r\n",
        "GET / http/1.1\r\n", "GET /\r\n", "GET x HTTP/1.1\r\n", "GET * HTTP/1.1\r\n",
        "CONNECT h:443 HTTP/1.1\r\n", "GET /a#b HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n",
        "GET /\t HTTP/1.1\r\n", "\r\n"})
    EXPECT_TRUE(refuses(kHost, start)) << start;
  EXPECT_FALSE(refuses(kHost, "OPTIONS * HTTP/1.1\r\n"));
}

TEST(RequestHead, TakesAbsoluteTargetsOfItsHostOnly) {
  const Parsed p = parse("Host: h:80\r\n", "GET http://H:80/a?b HTTP/1.1\r\n");
  ASSERT_EQ(p.fault, HeadFault::none);
  EXPECT_EQ(p.request.target, "/a?b");
  EXPECT_EQ(p.request.path, "/a");
  EXPECT_TRUE(refuses(kHost, "GET http://other/ HTTP/1.1\r\n"));
  EXPECT_TRUE(refuses(kHost, "GET ftp://h/ HTTP/1.1\r\n"));
  EXPECT_TRUE(refuses(kHost, "GET http://h HTTP/1.1\r\n"));
}

TEST(RequestHead, CountsHeaders) {
  std::string lines = kHost;
  for (int i = 0; i < 9; ++i) lines += "X: y\r\n";
  EXPECT_EQ(parse(lines).fault, HeadFault::none);
  EXPECT_EQ(parse(lines + "X: y\r\n").fault, HeadFault::too_many_headers);
}

TEST(RequestHead, ReadsHowTheConnectionGoesOn) {
  EXPECT_FALSE(parse(kHost + "Connection: x, Close\r\n").framing.keep_alive);
  EXPECT_FALSE(parse("", "GET / HTTP/1.0\r\n").framing.keep_alive);
  EXPECT_TRUE(parse(kHost + "Expect: 100-Continue\r\n").framing.expects_continue);
}

TEST(HeadFinder, FindsTheEndWhereverTheBytesBreak) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\nbody";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    HeadFinder finder;
    auto found = finder.look(std::string_view(text).substr(0, cut));
    if (cut < text.size() - 4) {
      EXPECT_EQ(found, HeadFinder::Found::more);
      found = finder.look(text);
    }
    EXPECT_EQ(found, HeadFinder::Found::complete);
    EXPECT_EQ(finder.size(), text.size() - 4);
  }
}

TEST(HeadFinder, RefusesBareLineFeeds) {
  for (const char* text : {"GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nA: b\n\r\n", "\n"})
    EXPECT_EQ(HeadFinder().look(text), HeadFinder::Found::malformed) << text;
}

TEST(ResponseHead, ReadsStatusAndFraming) {
  ResponseHead head;
  Framing framing;
  const std::string text =
      "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n";
  ASSERT_EQ(parse_response_head(text, 10, head, framing), HeadFault::none);
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.headers.at(1).value, "\"x\"");
  EXPECT_EQ(framing.content_length, 5U);
  for (const char* bad : {"HTTP/1.1 20 X\r\n\r\n", "HTTP/3.0 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"})
    EXPECT_EQ(parse_response_head(bad, 10, head, framing), HeadFault::malformed) << bad;
}

struct Decoded {
  ChunkDecoder::State state;
  std::string body, rest;
};

// Gives the bytes one at a time if `slowly`.
Decoded decode(std::string_view in, bool slowly, std::uint64_t max = 100) {
  ChunkDecoder decoder(max);
  Decoded result{ChunkDecoder::State::more, {}, {}};
  while (!in.empty() && result.state == ChunkDecoder::State::more) {
    std::string_view piece = slowly ? in.substr(0, 1) : in;
    const std::size_t offered = piece.size();
    result.state = decoder.feed(piece, result.body);
    in.remove_prefix(offered - piece.size());
  }
  result.rest = in;
  return result;
}

TEST(Chunked, DecodesInAnyPieces) {
  for (const bool slowly : {false, true}) {
    const Decoded d =
        decode("5\r\nhello\r\n00a;x=\"y\"\r\n, world...\r\n0\r\nTrailer: x\r\n\r\nGET", slowly);
    EXPECT_EQ(d.state, ChunkDecoder::State::done);
    EXPECT_EQ(d.body, "hello, world...");
    EXPECT_EQ(d.rest, "GET");
  }
}

TEST(Chunked, RefusesEverythingLoose) {
  for (const char* bad :
       {"\r\n", "x\r\n", "-1\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n", "0x5\r\n", "5\nhello\r\n",
        "5\r\nhelloX\r\n", "5\r\nhello\n0\r\n\r\n", "11111111111111111\r\n", "0\r\n\n",
        "0\r\nA\n\r\n", "5;\x01\r\nhello\r\n", "0\r\n\rx", "5\rx"})
    EXPECT_EQ(decode(bad, true).state, ChunkDecoder::State::malformed) << bad;
}

TEST(Chunked, LimitsBodyExtensionsAndTrailers) {
  EXPECT_EQ(decode("60\r\n", true).state, ChunkDecoder::State::more);
  EXPECT_EQ(decode("65\r\n", true).state, ChunkDecoder::State::too_large);
  EXPECT_EQ(decode("ffffffffffffffff\r\n", true).state, ChunkDecoder::State::too_large);
  EXPECT_EQ(decode("1;" + std::string(9000, 'x'), false).state, ChunkDecoder::State::malformed);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 1000; ++i) trailers += "A: bcdefg\r\n";
  EXPECT_EQ(decode(trailers, false).state, ChunkDecoder::State::malformed);
}

}  // namespace
}  // namespace valetkey::http
