// SPDX-License-Identifier: Apache-2.0
#include "http/internal/head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace valetkey::http {
namespace {

namespace beast = boost::beast;
using beast::string_view;
using Field = beast::http::field;
using ErrorOut = boost::system::error_code;

std::string_view std_view(string_view s) { return {s.data(), s.size()}; }

ErrorOut refusal() { return make_error_code(beast::http::error::bad_value); }

// What Beast lets pass and we do not, for requests and responses alike: folded lines, repeated or
// listed lengths, any transfer coding but a single "chunked", both framings at once.
template <bool is_request>
class StrictParser : public beast::http::basic_parser<is_request> {
 public:
  StrictParser(std::size_t max_headers, std::vector<Header>& headers, Framing& framing)
      : framing_(framing), max_headers_(max_headers), headers_(headers) {
    headers_.clear();
    framing_ = Framing{};
    this->header_limit(UINT32_MAX);  // the caller has limited the head already
    this->body_limit(boost::none);
    this->skip(true);  // bodies are not Beast's business here
  }

  HeadFault parse(std::string_view head) {
    ErrorOut error;
    const std::size_t used = this->put(boost::asio::const_buffer(head.data(), head.size()), error);
    if (too_many_) return HeadFault::too_many_headers;
    if (error || used != head.size() || !this->is_header_done()) return HeadFault::malformed;
    if (framing_.chunked && (framing_.content_length || !framing_.http11))
      return HeadFault::malformed;
    framing_.keep_alive = this->keep_alive();
    return HeadFault::none;
  }

 protected:
  Framing& framing_;
  std::size_t hosts_ = 0;

 private:
  void on_field_impl(Field field, string_view name, string_view value, ErrorOut& error) override {
    if (headers_.size() == max_headers_) {
      too_many_ = true;
      error = refusal();
    } else if (folded(name, value) || !frame(field, std_view(value))) {
      error = refusal();
    } else {
      headers_.push_back({std_view(name), std_view(value)});
    }
  }

  // A folded value is a copy elsewhere, or has a line break between the colon and itself.
  static bool folded(string_view name, string_view value) {
    const char* after_colon = name.data() + name.size() + 1;
    const auto gap = reinterpret_cast<std::uintptr_t>(value.data()) -
                     reinterpret_cast<std::uintptr_t>(after_colon);
    return gap > UINT16_MAX || std::string_view(after_colon, gap).contains('\r');
  }

  bool frame(Field field, std::string_view value) {
    switch (field) {
      case Field::content_length:
        return set_length(value);
      case Field::transfer_encoding:
        return set_coding(value);
      case Field::host:
        return add_host(value);
      case Field::expect:
        framing_.expects_continue = equal_ignoring_case(value, "100-continue");
        return true;
      default:
        return true;
    }
  }
  bool set_length(std::string_view value) {
    std::uint64_t length = 0;
    const auto [at, failed] = std::from_chars(value.begin(), value.end(), length);
    if (failed != std::errc{} || at != value.end() || framing_.content_length) return false;
    framing_.content_length = length;
    return true;
  }
  bool set_coding(std::string_view value) {
    if (framing_.chunked || !equal_ignoring_case(value, "chunked")) return false;
    return framing_.chunked = true;
  }
  bool add_host(std::string_view value) {
    const auto odd = [](char c) {
      return std::string_view(" \t/?#@\\,\"<>").contains(c) || static_cast<unsigned char>(c) > 0x7e;
    };
    ++hosts_;
    return !value.empty() && std::ranges::none_of(value, odd);
  }

  void on_request_impl(beast::http::verb, string_view, string_view, int, ErrorOut&) override {}
  void on_response_impl(int, string_view, int, ErrorOut&) override {}
  void on_header_impl(ErrorOut&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorOut&) override {}
  std::size_t on_body_impl(string_view body, ErrorOut&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorOut&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, ErrorOut&) override {
    return body.size();
  }
  void on_finish_impl(ErrorOut&) override {}

  std::size_t max_headers_;
  std::vector<Header>& headers_;
  bool too_many_ = false;
};

Method method_of(beast::http::verb verb) {
  switch (verb) {
    case beast::http::verb::get:
      return Method::get;
    case beast::http::verb::head:
      return Method::head;
    case beast::http::verb::put:
      return Method::put;
    case beast::http::verb::post:
      return Method::post;
    case beast::http::verb::delete_:
      return Method::delete_;
    case beast::http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

class RequestParser final : public StrictParser<true> {
 public:
  RequestParser(std::size_t max_headers, Request& request, Framing& framing)
      : StrictParser(max_headers, request.headers, framing), request_(request) {}

  HeadFault parse_all(std::string_view head) {
    const HeadFault fault = parse(head);
    if (fault != HeadFault::none) return fault;
    if (hosts_ != 1 && (hosts_ > 1 || framing_.http11)) return HeadFault::malformed;
    return set_target() ? HeadFault::none : HeadFault::malformed;
  }

 private:
  void on_request_impl(beast::http::verb verb, string_view name, string_view target, int version,
                       ErrorOut&) override {
    request_.method = method_of(verb);
    request_.method_name = std_view(name);
    request_.target = std_view(target);
    framing_.http11 = version == 11;
  }

  // origin-form, "*" of OPTIONS, or absolute-form, which proxies send and whose authority must be
  // Host's.
  bool set_target() {
    std::string_view& target = request_.target;
    if (!target.starts_with('/') && !(target == "*" && request_.method == Method::options) &&
        !strip_authority(target))
      return false;
    if (target.contains('#')) return false;
    const auto question = std::min(target.find('?'), target.size());
    request_.path = target.substr(0, question);
    request_.query = target.substr(std::min(question + 1, target.size()));
    return true;
  }
  bool strip_authority(std::string_view& target) const {
    std::string_view rest = target;
    const auto slashes = rest.find("://");
    if (slashes == std::string_view::npos) return false;
    const std::string_view scheme = rest.substr(0, slashes);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
    rest.remove_prefix(slashes + 3);
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return false;
    if (!equal_ignoring_case(rest.substr(0, slash), request_.header("host").value_or("")))
      return false;
    target = rest.substr(slash);
    return true;
  }

  Request& request_;
};

class ResponseParser final : public StrictParser<false> {
 public:
  ResponseParser(std::size_t max_headers, ResponseHead& response, Framing& framing)
      : StrictParser(max_headers, response.headers, framing), response_(response) {}

 private:
  void on_response_impl(int status, string_view, int version, ErrorOut&) override {
    response_.status = status;
    framing_.http11 = version == 11;
  }

  ResponseHead& response_;
};

}  // namespace

HeadFinder::Found HeadFinder::look(std::string_view bytes) {
  while (looked_ < bytes.size()) {
    const void* at = std::memchr(bytes.data() + looked_, '\n', bytes.size() - looked_);
    if (at == nullptr) {
      looked_ = bytes.size();
      return Found::more;
    }
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data());
    if (newline == 0 || bytes[newline - 1] != '\r') return Found::malformed;
    looked_ = newline + 1;
    if (newline - 1 == line_) {
      size_ = looked_;
      return Found::complete;
    }
    line_ = looked_;
  }
  return Found::more;
}

HeadFault parse_request_head(std::string_view head, std::size_t max_headers, Request& request,
                             Framing& framing) {
  return RequestParser(max_headers, request, framing).parse_all(head);
}

HeadFault parse_response_head(std::string_view head, std::size_t max_headers,
                              ResponseHead& response, Framing& framing) {
  return ResponseParser(max_headers, response, framing).parse(head);
}

}  // namespace valetkey::http
