// SPDX-License-Identifier: Apache-2.0
// What the API's listener answers where there is a console: its pages, its routes below
// /v2/console/ by the cookie alone, the same work for programs by their token alone, and for
// everything else the API. Called on every loop at once; the work itself runs on the pool, bounded.
#pragma once

#include "api/authentication.h"
#include "api/turns.h"
#include "console/engine.h"
#include "console/pages.h"
#include "console/routes.h"
#include "console/sign_in.h"
#include "http/async.h"
#include "http/server.h"

namespace valetkey::console {

class Service final : public http::Handler {
 public:
  struct Parts {
    http::Handler& api;  // answers all that is not ours
    SignIn* sign_in;     // null: there are no pages, and no routes of theirs
    control::ControlStore& store;
    const Routes& pages_routes;  // below /v2/console/
    const Routes& programs_routes;
    http::asio::thread_pool& blocking;
    api::Authenticator& authenticator;
    std::string public_url;  // of the console; empty: whatever it is asked as
    const Engine* engine;    // null: none
  };
  Service(Parts parts, Pages pages);
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  http::Task<Answer<Reply>> answer_page(const http::Request& request, Routes::Match match);
  http::Task<Answer<Reply>> answer_program(const http::Request& request, Routes::Match match);
  http::Task<Answer<Who>> authenticate(const http::Request& request, const Route& route);
  http::Task<Answer<Reply>> run(const Route& route, Call call, std::string cookie);
  Answer<Reply> work(const Route& route, Call call, const std::string& cookie);
  Call call_of(const http::Request& request, std::vector<std::string> ids) const;
  bool is_secure(const http::Request& request) const;
  http::Response respond(const http::Request& request, Reply reply) const;

  Parts parts_;
  Pages pages_;
  api::Turns& turns(Effort effort);

  // At once, of the pool's threads.
  api::Turns calls_{6}, hashes_{2}, reads_{2}, asks_{2};
};

}  // namespace valetkey::console
