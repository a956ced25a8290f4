// SPDX-License-Identifier: Apache-2.0
#include "console/console.h"

#include "console/internal/parameters.h"
#include "control/invitation.h"
#include "control/password.h"
#include "layout/views.h"

namespace valetkey::console {
namespace {

namespace json = boost::json;
using http::Method;

constexpr std::uint64_t kQueryRunBytes = 256 << 20;
constexpr std::uint64_t kQueryWarnBytes = 1 << 30;

std::string url_of(const Options& options, const Call& call) {
  if (!options.api.api_public_url.empty()) return options.api.api_public_url;
  return (call.secure ? "https://" : "http://") + call.host;
}

// Whether a browser that asks `host` for pages is on this machine, where nobody listens on the way.
bool is_here(std::string_view host) {
  if (const auto colon = host.rfind(':'); colon < host.size() && !host.ends_with(']'))
    host = host.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = http::Address::parse(host);
  return host == "localhost" || (address && address->is_loopback());
}

// Work of an object that takes a call and answers it.
template <class Object>
Work does(Object& object, Answer<Reply> (Object::*method)(const Call&)) {
  return [&object, method](const Call& call) { return (object.*method)(call); };
}

Answer<Reply> as_reply(Answer<std::string> answer, int status = 200) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  return Reply{.status = status, .json = std::move(*answer)};
}
Answer<Reply> as_reply(Answer<Secret> answer, int status) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  return Reply{.status = status, .json = std::string(answer->reveal())};
}

}  // namespace

Console::ForPages::ForPages(const Parts& parts, const Options& options)
    : sign_in({parts.store, parts.feed, parts.audit}, options.api.limiter, options.passwords),
      // Asked each second: not with listings.
      start({parts.store, parts.audit, parts.usage, parts.listed ? nullptr : parts.figures,
             parts.times, parts.log, parts.issuer},
            options.api),
      exports({parts.store, parts.audit, parts.objects, parts.figures, parts.listed, parts.issuer,
               parts.times},
              options.api),
      preview(parts.objects, parts.figures, parts.duckdb, options.preview_folder) {
  if (parts.provider != nullptr)
    provider = std::make_unique<Provider>(parts.store, sign_in, *parts.provider, parts.keys);
}

Console::Console(Parts parts, Options options, std::span<const Asset> assets)
    : options_(std::move(options)),
      people_({parts.store, parts.feed, parts.audit}, options_.api.api_public_url),
      activity_(parts.store, options_.audit, parts.stored),
      accounts_({parts.store, parts.feed, parts.audit, people_, parts.stored, parts.describe,
                 parts.issuer, options_.api.max_duration}),
      tokens_({parts.store, parts.feed, parts.audit, parts.issuer}, options_.api),
      for_pages_(options_.pages ? std::make_unique<ForPages>(parts, options_) : nullptr),
      engine_(parts.engine),
      holds_(parts.issuer.holds()),
      figures_(parts.figures != nullptr),
      listed_(parts.listed),
      own_endpoint_(parts.issuer.follows_revocation()),
      service_(
          {parts.api, for_pages_ ? &for_pages_->sign_in : nullptr, parts.store, pages_, programs_,
           parts.blocking, parts.authenticator, options_.api.api_public_url, parts.engine},
          Pages(options_.pages ? assets : std::span<const Asset>(), options_.api.public_endpoint)) {
  add_program_routes();
  if (!for_pages_) return;
  add_sign_in_routes();
  add_people_routes();
  add_account_routes();
}

Answer<Reply> Console::config(const Call& call) const {
  const std::string api_url = url_of(options_, call);
  const api::Options& api = options_.api;
  const bool mixed = api_url.starts_with("https://") && api.public_endpoint.starts_with("http://");
  json::value events = nullptr;
  if (!api.intake_url.empty())
    events = api.intake_url;
  else if (options_.export_every > milliseconds(0))
    events = api_url + "/v1/events";
  return reply_with(
      {{"version", options_.version},
       {"api_url", api_url},
       {"s3_endpoint", api.public_endpoint},
       {"bucket", api.bucket},
       {"region", api.region},
       {"events_url", std::move(events)},
       {"password_sign_in", options_.passwords},
       {"oidc", for_pages_->provider == nullptr ? json::value(nullptr)
                                                : json::value{{"start", "/v2/console/oidc/start"},
                                                              {"issuer", options_.issuer}}},
       {"secure", call.secure || is_here(call.host)},
       {"mixed_content", mixed},
       {"engine", engine_ == nullptr
                      ? json::value(nullptr)
                      : json::value{{"url", engine_->url()}, {"bytes", engine_->bytes()}}},
       {"query_run_bytes", kQueryRunBytes},
       {"query_warn_bytes", kQueryWarnBytes},
       {"password_min", control::kMinPasswordCharacters},
       {"invitation_hours", control::kInvitationLives.count()},
       {"export_every_s", options_.export_every.count() / 1000},
       {"default_duration_s", api.default_duration.count() / 1000},
       {"tables", options_.tables},
       {"figures", figures_},
       {"listed", listed_},
       {"own_endpoint", own_endpoint_},
       {"narrowing", {{"prefixes", holds_.prefixes}, {"sources", holds_.sources}}}});
}

// The statements of `valetkey query`, as the browser's older engine takes them.
Answer<Reply> Console::views(const Call& call) const {
  VALETKEY_TRY(const Parameters parameters, Parameters::parse(call.query));
  json::array listed;
  for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
    const bool decisions = type == layout::RowType::decisions;
    const std::string name(layout::name_of(type));
    const std::string only = parameters.text(decisions ? "experiment" : "event");
    const auto view = [&](const std::string& parts) {
      return layout::type_view({type, parts, only}, layout::SqlEngine::browser);
    };
    listed.push_back(
        json::object{{"name", name},
                     {"sql", view("{" + name + "_parts}")},
                     {"empty_sql", layout::type_view({type, "", ""}, layout::SqlEngine::browser)}});
  }
  listed.push_back(
      json::object{{"name", "attributed_conversions"}, {"sql", layout::attributed_view()}});
  return reply_with({{"views", std::move(listed)}});
}

void Console::add_sign_in_routes() {
  const std::string base = "/v2/console";
  const auto add = [&](Method method, const std::string& path, Access access, Work work,
                       Effort effort = Effort::quick) {
    pages_.add({method, base + path, access, std::move(work), effort});
  };
  SignIn& sign_in = for_pages_->sign_in;
  add(Method::get, "/config", Access::open, [this](const Call& call) { return config(call); });
  add(Method::post, "/session", Access::open, does(sign_in, &SignIn::sign_in), Effort::hashes);
  add(Method::post, "/invitation", Access::open, does(sign_in, &SignIn::show_invitation));
  add(Method::post, "/invitation/accept", Access::open, does(sign_in, &SignIn::accept_invitation),
      Effort::hashes);
  if (for_pages_->provider) {
    add(Method::get, "/oidc/start", Access::open, does(*for_pages_->provider, &Provider::start),
        Effort::asks);
    add(Method::get, "/oidc/callback", Access::open, does(*for_pages_->provider, &Provider::finish),
        Effort::asks);
  }
  add(Method::get, "/session", Access::person, does(sign_in, &SignIn::show));
  add(Method::delete_, "/session", Access::person, does(sign_in, &SignIn::sign_out));
  add(Method::get, "/sessions", Access::person, does(sign_in, &SignIn::list));
  add(Method::delete_, "/sessions", Access::person, does(sign_in, &SignIn::end_all));
  add(Method::delete_, "/sessions/{}", Access::person, does(sign_in, &SignIn::end));
  add(Method::post, "/password", Access::person, does(sign_in, &SignIn::change_password),
      Effort::hashes);
}

void Console::add_people_routes() {
  const std::string base = "/v2/console";
  const auto add = [&](Method method, const std::string& path, Access access, Work work) {
    pages_.add({method, base + path, access, std::move(work)});
  };
  add(Method::get, "/people", Access::admin, does(people_, &People::list));
  add(Method::post, "/people", Access::admin, does(people_, &People::invite));
  add(Method::post, "/people/{}", Access::admin, does(people_, &People::change));
  add(Method::get, "/people/{}/ends", Access::admin, does(people_, &People::ends));
  add(Method::post, "/people/{}/invitation", Access::admin, does(people_, &People::invite_again));
  add(Method::post, "/people/{}/sign-out", Access::admin, does(people_, &People::sign_out));
  add(Method::get, "/operator", Access::operator_, does(accounts_, &Accounts::server));
  add(Method::get, "/operator/accounts", Access::operator_, does(accounts_, &Accounts::list));
  add(Method::post, "/operator/accounts", Access::operator_, does(accounts_, &Accounts::create));
  add(Method::get, "/operator/accounts/{}", Access::operator_, does(accounts_, &Accounts::show));
  add(Method::post, "/operator/accounts/{}", Access::operator_, does(accounts_, &Accounts::change));
}

void Console::add_account_routes() {
  const std::string base = "/v2/console";
  const auto add = [&](Method method, const std::string& path, Work work,
                       Effort effort = Effort::quick) {
    pages_.add({method, base + path, Access::account, std::move(work), effort});
  };
  Start& start = for_pages_->start;
  Exports& exports = for_pages_->exports;
  const Effort listed_effort = listed_ ? Effort::reads : Effort::quick;
  add(Method::get, "/tokens",
      [this](const Call& call) { return as_reply(tokens_.list(caller_of(call), call.query)); });
  add(Method::post, "/tokens", [this](const Call& call) {
    return as_reply(tokens_.create(caller_of(call), call.body), 201);
  });
  add(Method::get, "/tokens/{}",
      [this](const Call& call) { return as_reply(tokens_.show(caller_of(call), call.ids[0])); });
  add(Method::delete_, "/tokens/{}", [this](const Call& call) {
    return as_reply(tokens_.revoke(caller_of(call), call.ids[0], call.query));
  });
  add(Method::get, "/tokens/{}/ends",
      [this](const Call& call) { return as_reply(tokens_.ends(caller_of(call), call.ids[0])); });
  add(Method::post, "/tokens/{}/replace", [this](const Call& call) { return replace_token(call); });
  add(Method::get, "/tokens/{}/seen", does(start, &Start::seen));
  add(Method::get, "/start", does(start, &Start::arrivals));
  add(Method::post, "/samples", does(start, &Start::send_samples));
  add(Method::get, "/export", does(exports, &Exports::days), listed_effort);
  add(Method::get, "/export/parts", does(exports, &Exports::parts), Effort::reads);
  add(Method::post, "/export/link", does(exports, &Exports::link), listed_effort);
  add(Method::get, "/export/{}/rows", does(for_pages_->preview, &Preview::rows), Effort::reads);
  add(Method::get, "/views", [this](const Call& call) { return views(call); });
  add(Method::get, "/export/{}/{}", does(exports, &Exports::day), Effort::reads);
  add(Method::get, "/export/{}/{}/parts", does(exports, &Exports::day_parts), listed_effort);
  add(Method::post, "/credentials", does(exports, &Exports::credentials));
  add(Method::get, "/examples", does(exports, &Exports::examples), Effort::reads);
  add(Method::get, "/activity", does(activity_, &Activity::list), Effort::reads);
  add(Method::get, "/usage", does(activity_, &Activity::usage));
}

// The same for programs: openapi.json describes them.
void Console::add_program_routes() {
  using control::TokenScopes;
  const auto add = [&](Method method, const std::string& path, Access access,
                       bool TokenScopes::* scope, Work work, Effort effort = Effort::quick) {
    programs_.add({method, path, access, std::move(work), effort, scope});
  };
  const auto users = &TokenScopes::users;
  add(Method::get, "/v2/users", Access::admin, users, does(people_, &People::list));
  add(Method::post, "/v2/users", Access::admin, users, does(people_, &People::invite));
  add(Method::post, "/v2/users/{}", Access::admin, users, does(people_, &People::change));
  add(Method::get, "/v2/users/{}/ends", Access::admin, users, does(people_, &People::ends));
  add(Method::post, "/v2/users/{}/invitation", Access::admin, users,
      does(people_, &People::invite_again));
  add(Method::post, "/v2/users/{}/sign-out", Access::admin, users,
      does(people_, &People::sign_out));
  add(Method::get, "/v2/audit", Access::account, &TokenScopes::audit,
      does(activity_, &Activity::list), Effort::reads);
  add(Method::get, "/v2/usage", Access::account, &TokenScopes::audit,
      does(activity_, &Activity::usage));
  add(Method::get, "/v2/tokens/{}/ends", Access::account, &TokenScopes::tokens,
      [this](const Call& call) { return as_reply(tokens_.ends(caller_of(call), call.ids[0])); });
  add(Method::post, "/v2/tokens/{}/replace", Access::account, &TokenScopes::tokens,
      [this](const Call& call) { return replace_token(call); });
  const auto accounts = &TokenScopes::accounts;
  add(Method::get, "/v2/accounts", Access::operator_, accounts, does(accounts_, &Accounts::list));
  add(Method::post, "/v2/accounts", Access::operator_, accounts,
      does(accounts_, &Accounts::create));
  add(Method::get, "/v2/accounts/{}", Access::operator_, accounts,
      does(accounts_, &Accounts::show));
  add(Method::post, "/v2/accounts/{}", Access::operator_, accounts,
      does(accounts_, &Accounts::change));
  add(Method::get, "/v2/server", Access::operator_, accounts, does(accounts_, &Accounts::server));
}

Answer<Reply> Console::replace_token(const Call& call) {
  return as_reply(tokens_.replace(caller_of(call), call.ids[0], call.body), 201);
}

}  // namespace valetkey::console
