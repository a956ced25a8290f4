// SPDX-License-Identifier: Apache-2.0
#include "issuer/roles.h"

#include "aws/session_policy.h"
#include "issuer/internal/denials.h"

namespace valetkey::issuer {
namespace {

constexpr const char* kReadPolicy = "valetkey-read";
constexpr const char* kCutPolicy = "valetkey-cut-off";

struct Added {
  std::string policy;
  bool whole_account = false;
  std::vector<AccountId> others{};
};

// A policy holds some hundred tokens. A tenant, or a thief, who cuts off more must not take the room of
// all others: then the sessions of the account with the most tokens end as a whole.
Result<Added> add(Denials denials, const access::Cut& cut, Timestamp at) {
  denials.add(cut, at);
  Added added;
  while (true) {
    auto policy = denials.policy();
    if (policy) {
      added.policy = *std::move(policy);
      return added;
    }
    const auto widened =
        policy.error().code == ErrorCode::too_large ? denials.widen(at) : std::nullopt;
    if (!widened) return std::unexpected(policy.error());
    if (*widened == cut.account)
      added.whole_account = !cut.tokens.empty();
    else
      added.others.push_back(*widened);
  }
}

// Removing what is not there is fine.
Result<void> unless_missing(Result<void> done) {
  return !done && done.error().code == ErrorCode::not_found ? Result<void>() : done;
}

class CephRoles final : public Roles {
 public:
  CephRoles(RolesParts parts, const std::string& trusted, seconds longest)
      : parts_(std::move(parts)), trust_(aws::ceph_trust_policy(trusted)), longest_(longest) {}

  Result<void> open(const AccountId&, const std::string& role_arn, const std::string& policy,
                    Timestamp now) override {
    VALETKEY_TRY(const auto own, parts_.keys.get(now));
    const std::string role = aws::role_name(role_arn);
    auto made = parts_.iam.create_role(role, trust_, longest_, own->keys, now);
    // Somebody may have changed who it trusts since.
    if (!made && made.error().code == ErrorCode::already_exists)
      made = parts_.iam.set_trust_policy(role, trust_, own->keys, now);
    VALETKEY_CHECK(made);
    return parts_.iam.put_role_policy(role, kReadPolicy, policy, own->keys, now);
  }

  // The policy first: that ends the sessions at once. They would be valid again with a new policy of
  // the same role, so the role goes as well.
  Result<access::CutOff> cut(const access::Cut& cut, const std::string& role_arn,
                             Timestamp now) override {
    VALETKEY_TRY(const auto own, parts_.keys.get(now));
    const std::string role = aws::role_name(role_arn);
    VALETKEY_CHECK(
        unless_missing(parts_.iam.delete_role_policy(role, kReadPolicy, own->keys, now)));
    VALETKEY_CHECK(unless_missing(parts_.iam.delete_role(role, own->keys, now)));
    return access::CutOff{.at_once = true, .whole_account = !cut.tokens.empty()};
  }

 private:
  RolesParts parts_;
  const std::string trust_;
  const seconds longest_;
};

class AwsRoles final : public Roles {
 public:
  AwsRoles(RolesParts parts, control::ControlStore& store, seconds longest)
      : parts_(std::move(parts)), store_(store), longest_(longest) {}

  Result<void> open(const AccountId&, const std::string&, const std::string&, Timestamp) override {
    return {};
  }

  Result<access::CutOff> cut(const access::Cut& cut, const std::string& role_arn,
                             Timestamp now) override {
    VALETKEY_TRY(const auto own, parts_.keys.get(now));
    const std::string role = aws::role_name(role_arn);
    const std::lock_guard lock(one_at_a_time_);  // of this process
    VALETKEY_TRY(const Noted noted, note(role, cut, own->keys, now));
    VALETKEY_CHECK(put(role, noted.now, own->keys, now));
    return access::CutOff{
        .at_once = true, .whole_account = noted.added.whole_account, .others = noted.added.others};
  }

 private:
  struct Noted {
    control::CutOffs now;
    Added added;
  };

  // Together with what others noted, and with what the role has from a release that noted nothing.
  Result<Noted> note(const std::string& role, const access::Cut& cut,
                     const sigv4::SigningCredentials& own, Timestamp now) {
    Denials there;
    const auto text = parts_.iam.role_policy(role, kCutPolicy, own, now);
    if (!text && text.error().code != ErrorCode::not_found) return std::unexpected(text.error());
    if (text) {
      VALETKEY_TRY(there, parse_denials(*text));
    }
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      VALETKEY_TRY(const control::CutOffs former, store_.cut_offs(role));
      Denials denials = there;
      if (former.version > 0) {
        VALETKEY_TRY(const Denials others, parse_denials(former.policy));
        denials.add(others);
      }
      denials.forget_older(now - longest_);
      VALETKEY_TRY(Added added, add(std::move(denials), cut, now));
      VALETKEY_TRY(const bool kept, store_.set_cut_offs(role, former.version, added.policy));
      if (kept) return Noted{{former.version + 1, added.policy}, std::move(added)};
    }
    return too_many();
  }

  // Until the newest is what was put last: what others put meanwhile may have arrived before ours.
  Result<void> put(const std::string& role, control::CutOffs newest,
                   const sigv4::SigningCredentials& own, Timestamp now) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto done = parts_.iam.put_role_policy(role, kCutPolicy, newest.policy, own, now);
      // Also after a failure: the engine may have taken it, later than what others put meanwhile.
      VALETKEY_TRY(control::CutOffs after, store_.cut_offs(role));
      if (after.version == newest.version) return done;
      newest = std::move(after);
    }
    return too_many();
  }

  static std::unexpected<Error> too_many() {
    return fail(ErrorCode::unavailable,
                "other nodes cut off so much at the same time that it is not known whether the "
                "role's policy valetkey-cut-off has all of it: repeat the command");
  }

  static constexpr int kAttempts = 100;
  RolesParts parts_;
  control::ControlStore& store_;
  const seconds longest_;
  std::mutex one_at_a_time_;
};

class NoRoles final : public Roles {
 public:
  Result<void> open(const AccountId&, const std::string&, const std::string&, Timestamp) override {
    return {};
  }
  Result<access::CutOff> cut(const access::Cut&, const std::string&, Timestamp) override {
    return access::CutOff{.at_once = false};
  }
};

}  // namespace

std::unique_ptr<Roles> make_ceph_roles(RolesParts parts, const std::string& trusted_user_arn,
                                       seconds longest_session) {
  return std::make_unique<CephRoles>(std::move(parts), trusted_user_arn, longest_session);
}

std::unique_ptr<Roles> make_aws_roles(RolesParts parts, control::ControlStore& store,
                                      seconds longest_session) {
  return std::make_unique<AwsRoles>(std::move(parts), store, longest_session);
}

std::unique_ptr<Roles> make_no_roles() { return std::make_unique<NoRoles>(); }

}  // namespace valetkey::issuer
