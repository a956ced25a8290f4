// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/ended_tokens.h"

#include <fmt/format.h>

#include <map>

#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::Token;

Result<std::map<UserId, std::string>> emails_of(control::ControlStore& store,
                                                const std::vector<Token>& tokens) {
  std::map<UserId, std::string> out;
  for (const Token& token : tokens) {
    if (out.contains(token.user)) continue;
    VALETKEY_TRY(auto user, store.user(token.user));
    out.emplace(token.user, std::move(user.email));
  }
  return out;
}

}  // namespace

Result<json::array> ended_document(control::ControlStore& store, const std::vector<Token>& tokens) {
  VALETKEY_TRY(const auto emails, emails_of(store, tokens));
  json::array out;
  for (const Token& token : tokens)
    out.push_back(
        json::object{{"id", token.id.str()},
                     {"name", token.name},
                     {"user", emails.at(token.user)},
                     {"parent", token.parent ? json::value(token.parent->str()) : json::value()}});
  return out;
}

Result<void> print_ended(const CommandContext& context, control::ControlStore& store,
                         const std::vector<Token>& tokens, std::string_view sentence) {
  if (tokens.empty()) return {};
  VALETKEY_TRY(const auto emails, emails_of(store, tokens));
  context.out << sentence << '\n';
  terminal::Table table({"ID", "NAME", "USER", "CREATED BY"});
  for (const Token& token : tokens)
    table.row({token.id.str(), token.name, emails.at(token.user),
               token.parent ? token.parent->str() : "a command"});
  table.print(context.out);
  return {};
}

Result<void> record_ended(const CommandContext& context, const std::vector<Token>& tokens) {
  if (tokens.empty()) return {};
  VALETKEY_TRY(const auto audit, context.open_audit());
  for (const Token& token : tokens)
    VALETKEY_CHECK(context.record_in(*audit, "token.revoke", token.account, token.id.str()));
  return {};
}

std::vector<control::Token> that_count(std::vector<control::Token> tokens, Timestamp now) {
  std::erase_if(tokens, [now](const control::Token& token) {
    return token.revoked || (token.expires && *token.expires <= now);
  });
  return tokens;
}

}  // namespace valetkey::admin
