// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "admin/testing/test_machine.h"
#include "control/sqlite_store.h"
#include "control/tokens.h"

namespace valetkey::admin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

TEST(CommandLine, SaysWhichWordIsWrongAndExitsWithTwo) {
  const TestMachine machine;
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"serv"},
                                                {"account"},
                                                {"account", "create"},
                                                {"check", "--fix"},
                                                {"token", "create", "--account", "12"}}) {
    const Answer answer = machine.run(words);
    EXPECT_EQ(answer.status, 2) << answer.err;
    EXPECT_THAT(answer.err, StartsWith("valetkeyd: ")) << answer.err;
    EXPECT_EQ(std::ranges::count(answer.err, '\n'), 1) << answer.err;
    EXPECT_THAT(answer.out, IsEmpty());
  }
}

TEST(CommandLine, NeedsADataFolder) {
  const TestMachine machine;
  const Answer answer = machine.run_bare({"account", "list"});
  EXPECT_EQ(answer.status, 2);
  EXPECT_THAT(answer.err, HasSubstr("--data-dir"));
}

TEST(CommandLine, HelpIsOnStdoutWithExamples) {
  const TestMachine machine;
  const Answer answer = machine.run_bare({"token", "create", "--help"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.out, HasSubstr("TOKEN=$(valetkeyd token create"));
  EXPECT_THAT(machine.run_bare({"--version"}).out, HasSubstr("valetkeyd "));
}

TEST(Commands, SayHowToMakeADataFolderWhereThereIsNone) {
  const TestMachine machine;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"account", "list"},
                                                {"audit"},
                                                {"check"},
                                                {"keys", "rewrap"},
                                                {"backup", (machine.folder() / "b").string()}})
    expect_refused(machine.run(words), "valetkeyd init");
}

TEST(Commands, EmptyListsSayWhatToDoNext) {
  const TestMachine machine;
  machine.must({"init"});
  EXPECT_THAT(machine.must({"account", "list"}).err, HasSubstr("valetkeyd account create"));
  EXPECT_THAT(machine.must({"user", "list"}).err, HasSubstr("valetkeyd user create"));
  EXPECT_THAT(machine.must({"token", "list"}).err, HasSubstr("valetkeyd token create"));
  const auto json = machine.must({"account", "list", "--json"}).json();
  EXPECT_TRUE(json.at("accounts").as_array().empty());
}

TEST(Accounts, AreCreatedListedSuspendedAndResumed) {
  const TestMachine machine;
  machine.prepare();
  EXPECT_THAT(machine.must({"account", "list"}).out,
              MatchesRegex("ACCOUNT +NAME +STATE +CREATED\n12 +Acme +active +20[^ ]+Z\n"));
  machine.must({"account", "suspend", "12"});
  EXPECT_EQ(machine.must({"account", "list", "--json"}).json().at("accounts").at(0).at("state"),
            "suspended");
  EXPECT_EQ(machine.must({"account", "resume", "12", "--json"}).json().at("state"), "active");
}

TEST(Accounts, DeletedIsFinal) {
  const TestMachine machine;
  machine.prepare();
  const Answer unasked = machine.run({"account", "delete", "12"});
  EXPECT_EQ(unasked.status, 2);
  EXPECT_THAT(unasked.err, HasSubstr("add --yes"));
  EXPECT_EQ(machine.must({"account", "list", "--json"}).json().at("accounts").at(0).at("state"),
            "active");
  machine.must({"account", "delete", "12", "--yes"});
  EXPECT_EQ(machine.run({"account", "resume", "12"}).status, 1);
  EXPECT_EQ(machine.run({"account", "create", "12"}).status, 1);
  expect_refused(machine.run({"token", "create", "--account", "12", "--user", "ada@example.org",
                              "--name", "x"}),
                 "deleted");
}

TEST(Accounts, AskAPersonForTheIdBeforeTheyAreDeleted) {
  const TestMachine machine;
  machine.prepare();
  const SystemClock clock;
  std::ostringstream out, err;
  CommandContext context{out, err, clock, machine.env(), false, true, machine.data(), {}, {}};
  std::istringstream wrong("13\n"), none, right("12\n");
  for (auto* answers : {&wrong, &none}) {
    context.answers = answers;
    EXPECT_EQ(account_delete(context, "12", false, false).value(), 1);
    EXPECT_THAT(err.str(), HasSubstr("Type 12 to go on"));
    EXPECT_THAT(err.str(), HasSubstr("Nothing was changed"));
  }
  EXPECT_THAT(machine.must({"account", "list"}).out, HasSubstr("active"));
  context.answers = &right;
  EXPECT_EQ(account_delete(context, "12", false, false).value(), 0);
  EXPECT_THAT(machine.must({"account", "list"}).out, HasSubstr("deleted"));
}

TEST(Accounts, AreRenamed) {
  const TestMachine machine;
  machine.prepare();
  EXPECT_THAT(machine.must({"account", "set", "12", "--name", "Acme & Sons"}).out,
              HasSubstr("Acme & Sons"));
  EXPECT_THAT(machine.must({"account", "list"}).out, HasSubstr("Acme & Sons"));
  expect_refused(machine.run({"account", "set", "12", "--name", "   "}), "blank");
}

TEST(Accounts, HaveNoNearTwins) {
  const TestMachine machine;
  machine.prepare();
  expect_refused(machine.run({"account", "create", "0012"}), "account 12 only by zeros");
}

TEST(Accounts, RefuseWhatIsNoAccountId) {
  const TestMachine machine;
  machine.must({"init"});
  for (const char* id : {"12a", "../12", "123456789012345678901", "+1"})
    expect_refused(machine.run({"account", "create", id}), "1 to 20 digits", 2);
}

TEST(Commands, SayWhereTheIdsAreThatTheyDoNotFind) {
  const TestMachine machine;
  machine.must({"init"});
  expect_refused(machine.run({"account", "suspend", "999"}),
                 "there is no account 999; `valetkeyd account list` shows those that there are");
  expect_refused(machine.run({"user", "disable", "eve@example.org"}),
                 "there is no user eve@example.org; `valetkeyd user list` shows");
  expect_refused(machine.run({"token", "revoke", "tok_0123456789ABCDEF"}),
                 "there is no token tok_0123456789ABCDEF; `valetkeyd token list` shows");
}

TEST(Users, AnOperatorHasNoAccountAndOthersHaveOne) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"user", "create", "op@example.org", "--role", "operator"});
  expect_refused(
      machine.run({"user", "create", "x@example.org", "--role", "operator", "--account", "12"}),
      "no account");
  expect_refused(machine.run({"user", "create", "x@example.org", "--role", "member"}), "--account");
  expect_refused(machine.run({"user", "role", "op@example.org", "member"}), "--account");
}

TEST(Users, ChangeRoleAndState) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"user", "role", "ada@example.org", "member"});
  machine.must({"user", "disable", "ada@example.org"});
  const auto user = machine.must({"user", "list", "--json"}).json().at("users").at(0);
  EXPECT_EQ(user.at("role"), "member");
  EXPECT_EQ(user.at("state"), "disabled");
  expect_refused(machine.run({"token", "create", "--account", "12", "--user", "ada@example.org",
                              "--name", "x"}),
                 "disabled");
  EXPECT_EQ(machine.must({"user", "enable", "ada@example.org", "--json"}).json().at("state"),
            "active");
  expect_refused(machine.run({"user", "disable", "nobody@example.org"}), "no user");
}

TEST(Users, SayWhatEndsWhenTheyAreDisabled) {
  const TestMachine machine;
  machine.prepare();
  machine.make_token("ada's");
  machine.must({"user", "create", "mem@example.org", "--account", "12", "--role", "member"});
  {
    const auto store = control::open_sqlite_store(machine.data() / "control.db").value();
    const auto anns = store->tokens(std::nullopt, std::nullopt)->front();
    ASSERT_TRUE(store->create_token({.account = anns.account,
                                     .user = store->user_by_email("mem@example.org")->id,
                                     .name = "nightly",
                                     .scopes = {.export_ = true},
                                     .expires = {},
                                     .parent = anns.id,
                                     .limits = {}},
                                    std::string(32, 'x'), SystemClock().now()));
  }
  const auto told = machine.must({"user", "disable", "ada@example.org", "--json"}).json();
  EXPECT_EQ(told.at("refused_tokens").at(0).at("name"), "ada's");
  EXPECT_EQ(told.at("revoked_tokens").at(0).at("name"), "nightly");
  EXPECT_EQ(told.at("revoked_tokens").at(0).at("user"), "mem@example.org");
  EXPECT_THAT(machine.must({"token", "list"}).out, HasSubstr("disabled"));
  EXPECT_THAT(machine.must({"audit"}).out, HasSubstr("token.revoke"));
  machine.must({"user", "enable", "ada@example.org"});
  EXPECT_THAT(machine.must({"user", "disable", "ada@example.org"}).out,
              HasSubstr("Refused until `valetkeyd user enable ada@example.org`: 1 token"));
}

TEST(Tokens, AreAloneOnStdoutSoThatAShellCanKeepThem) {
  const TestMachine machine;
  machine.prepare();
  const Answer answer = machine.must(
      {"token", "create", "--account", "12", "--user", "ada@example.org", "--name", "laptop"});
  ASSERT_FALSE(answer.out.empty());
  EXPECT_TRUE(is_well_formed_token(answer.out.substr(0, answer.out.size() - 1)));
  EXPECT_THAT(answer.err, HasSubstr("once"));
}

TEST(Tokens, AreShownOnceAndNeverListed) {
  const TestMachine machine;
  machine.prepare();
  const auto made =
      machine
          .must({"token", "create", "--account", "12", "--user", "ada@example.org", "--name", "ci",
                 "--scopes", "export,tokens", "--expires", "90d", "--json"})
          .json();
  const std::string token(made.at("token").as_string());
  EXPECT_TRUE(is_well_formed_token(token));
  EXPECT_EQ(made.at("scopes"), "export,tokens");
  const Answer list = machine.must({"token", "list"});
  EXPECT_THAT(list.out, HasSubstr("ci"));
  EXPECT_THAT(list.out, Not(HasSubstr(token)));
  EXPECT_THAT(machine.must({"token", "list", "--json"}).out, Not(HasSubstr(token)));
  EXPECT_THAT(machine.must({"audit"}).out, Not(HasSubstr(token)));
}

TEST(Tokens, BelongToUsersOfTheirAccountOnly) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"account", "create", "123"});
  machine.must({"user", "create", "op@example.org", "--role", "operator"});
  const auto refused = [&](const char* user, const char* why) {
    expect_refused(
        machine.run({"token", "create", "--account", "123", "--user", user, "--name", "x"}), why);
  };
  refused("ada@example.org", "ada@example.org is a user of another account");
  refused("op@example.org", "op@example.org is an operator, who belongs to no account");
  refused("nobody@example.org", "account 123 has no user");
}

TEST(Tokens, RefuseUnknownScopesAndDurations) {
  const TestMachine machine;
  machine.prepare();
  const std::vector<std::string> base{"token",  "create",          "--account", "12",
                                      "--user", "ada@example.org", "--name",    "x"};
  const auto with = [&](const std::string& flag, const std::string& value) {
    auto words = base;
    words.insert(words.end(), {flag, value});
    return machine.run(words);
  };
  for (const auto& [flag, value, said] : std::vector<std::array<const char*, 3>>{
           {"--scopes", "everything", "--scopes takes export, tokens, or both as export,tokens"},
           {"--scopes", "", "--scopes takes export"},
           {"--expires", "soon", "--expires takes a whole number and a unit such as 90d"},
           {"--expires", "0s", "from 1s to 36500d, not `0s`"}}) {
    const auto refused = with(flag, value);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr(said));
  }
}

TEST(Tokens, AreRevokedById) {
  const TestMachine machine;
  machine.prepare();
  machine.make_token();
  const auto tokens = machine.must({"token", "list", "--json"}).json();
  const std::string id(tokens.at("tokens").at(0).at("id").as_string());
  EXPECT_EQ(machine.must({"token", "revoke", id, "--json"}).json().at("revoked"), 1);
  EXPECT_THAT(machine.must({"token", "revoke", id}).out, HasSubstr("before"));
  EXPECT_THAT(machine.must({"token", "list"}).out, HasSubstr("revoked"));
}

TEST(Tokens, AreNotRevokedByName) {
  const TestMachine machine;
  machine.prepare();
  machine.make_token("laptop");
  expect_refused(machine.run({"token", "revoke", "laptop"}), "by its id: tok_");
  expect_refused(machine.run({"token", "revoke", "desktop"}), "`valetkeyd token list` shows");
}

TEST(Tokens, AreNotMadeForOperators) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"user", "create", "op@example.org", "--role", "operator"});
  expect_refused(machine.run({"token", "create", "--account", "12", "--user", "op@example.org",
                              "--name", "x"}),
                 "is an operator");
}

TEST(Tokens, AreLimitedAsConfigured) {
  TestMachine machine;
  machine.prepare();
  machine.environment["VALETKEY_LIMITS_TOKENS_PER_USER"] = "1";
  machine.make_token();
  expect_refused(machine.run({"token", "create", "--account", "12", "--user", "ada@example.org",
                              "--name", "x"}),
                 "the user has 1 token that count");
}

TEST(Audit, ShowsWhatTheCommandsDidAndFilters) {
  const TestMachine machine;
  machine.prepare();
  machine.make_token();
  const auto events = machine.must({"audit", "--json", "--account", "12"}).json().at("events");
  std::vector<std::string> actions;
  for (const auto& event : events.as_array()) {
    actions.emplace_back(event.at("action").as_string());
    EXPECT_EQ(event.at("actor").as_string(), "cli:" + std::to_string(getuid()));
  }
  EXPECT_THAT(actions, testing::ElementsAre("account.create", "user.create", "token.create"));
  EXPECT_THAT(machine.must({"audit", "--since", "2099-01-01"}).err, HasSubstr("No audit records"));
  expect_refused(machine.run({"audit", "--since", "tomorrow"}), "--since takes a date such as", 2);
  expect_refused(machine.run({"audit", "--until", "2026-02-30"}), "--until takes a date such as",
                 2);
}

TEST(Audit, FindsTheNewestOfAUserOrAnActionAndSaysEMailAddresses) {
  const TestMachine machine;
  machine.prepare();
  machine.make_token();
  machine.must({"user", "create", "bob@example.org", "--account", "12", "--role", "member"});
  const auto actions = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"audit", "--json"});
    std::vector<std::string> found;
    const auto answer = machine.must(std::move(words)).json();
    for (const auto& event : answer.at("events").as_array())
      found.emplace_back(event.at("action").as_string());
    return found;
  };
  using testing::ElementsAre;
  EXPECT_THAT(actions({"--limit", "2"}), ElementsAre("token.create", "user.create"));
  EXPECT_THAT(actions({"--user", "ada@example.org"}), ElementsAre("user.create", "token.create"));
  EXPECT_THAT(actions({"--action", "user", "--limit", "1"}), ElementsAre("user.create"));
  const auto bob = machine.must({"audit", "--json", "--user", "bob@example.org"}).json();
  const auto& event = bob.at("events").at(0);
  EXPECT_EQ(event.at("subject_email").as_string(), "bob@example.org");
  const std::string id(event.at("subject").as_string());
  EXPECT_THAT(actions({"--user", id}), ElementsAre("user.create"));
  EXPECT_THAT(machine.must({"audit", "--limit", "1"}).out, HasSubstr("bob@example.org"));
  EXPECT_THAT(machine.must({"audit", "--action", "tokn.create"}).err, HasSubstr("token.create"));
  expect_refused(machine.run({"audit", "--user", "eve@example.org"}), "eve@example.org");
}

}  // namespace
}  // namespace valetkey::admin
