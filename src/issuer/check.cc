// SPDX-License-Identifier: Apache-2.0
#include "issuer/check.h"

#include "aws/session_policy.h"
#include "base/encoding.h"

namespace valetkey::issuer {
namespace {

using Outcome = Step::Outcome;

class Check {
 public:
  Check(Vending& vending, const AccountId& account, seconds longest, Timestamp now,
        const std::function<void(const Step&)>& tell)
      : vending_(vending), account_(account), longest_(longest), now_(now), tell_(tell) {}

  bool run() {
    if (!own_credentials() || !identity() || !role() || !session()) return false;
    if (!reads()) return false;
    refuses();
    return fine_;
  }

 private:
  bool say(const std::string& name, Outcome outcome, std::string sentence) {
    if (outcome == Outcome::failed) fine_ = false;
    tell_({name, outcome, std::move(sentence)});
    return outcome != Outcome::failed;
  }

  bool own_credentials() {
    const auto own = vending_.keys().get(now_);
    if (!own) return say("credentials", Outcome::failed, own.error().detail);
    own_ = *own;
    std::string found = "of " + own_->from;
    if (own_->expires) found += ", until " + format_iso8601(*own_->expires);
    return say("credentials", Outcome::good, found);
  }

  // Ceph and MinIO do not tell.
  bool identity() {
    if (vending_.engine() != Engine::aws) return true;
    const auto arn = vending_.sts().identity(own_->keys, now_);
    if (!arn) return say("identity", Outcome::failed, arn.error().detail);
    return say("identity", Outcome::good, "this server is " + *arn);
  }

  bool role() {
    if (vending_.engine() != Engine::ceph) return true;
    const auto opened = vending_.issuer().open_account(account_, now_);
    if (!opened)
      return say("role", Outcome::failed,
                 "the role of account " + account_.str() + " cannot be made: " +
                     opened.error().detail + "; its user needs the capability roles=*");
    return say("role", Outcome::good, "account " + account_.str() + " has its role");
  }

  bool session() {
    const control::TokenGrant grant{TokenId::parse("tok_IssuerCheck00000").value(),
                                    UserId::parse("usr_IssuerCheck00000").value(),
                                    account_,
                                    control::Role::operator_,
                                    {.export_ = true},
                                    std::nullopt};
    auto got = vending_.issuer().issue(grant, longest_, now_);
    if (!got) return say("session", Outcome::failed, got.error().detail);
    place_ = *got->place;
    session_ = {got->access_key_id, got->secret_access_key, got->session_token};
    if (got->expires < now_ + longest_ - seconds(60))
      return say(
          "session", Outcome::warning,
          "sessions end after " + format_duration(got->expires - now_) +
              ", not after [credentials] max_duration: this server's own role was assumed by "
              "a role, whose sessions live for an hour at most");
    return say("session", Outcome::good,
               "a token buys a session of " + format_duration(longest_) + " for s3://" +
                   place_.bucket + "/" + place_.prefix);
  }

  Result<http::ClientResponse> send(aws::S3Request request) {
    return vending_.s3().send(std::move(request), session_, now_);
  }
  Result<http::ClientResponse> list(const std::string& prefix) {
    return send({.bucket = place_.bucket,
                 .query = "list-type=2&max-keys=1" +
                          (prefix.empty() ? "" : "&prefix=" + percent_encode(prefix))});
  }

  bool reads() {
    const auto listed = list(place_.prefix);
    if (!listed) return say("read", Outcome::failed, listed.error().detail);
    if (listed->status != 200)
      return say("read", Outcome::failed,
                 "the session cannot list its own prefix: " +
                     aws::explain_s3(*listed, vending_.s3().name(), place_.bucket) +
                     "; the role's own policy must allow s3:ListBucket and s3:GetObject there");
    if (!listed->body.contains("<Contents>"))
      return say("read", Outcome::warning,
                 "nothing lies below s3://" + place_.bucket + "/" + place_.prefix + " yet");
    return say("read", Outcome::good, "the session lists its prefix");
  }

  // What must be 403 for a session of this account.
  void refuses() {
    std::string sibling = place_.prefix;  // 12 beside 123
    sibling.insert(sibling.size() - 1, "4");
    refused("list of the bucket", list(""));
    refused("list of a neighbour", list(sibling));
    refused("list without its last slash", list(place_.prefix.substr(0, place_.prefix.size() - 1)));
    refused("read of a neighbour",
            send({.bucket = place_.bucket, .key = sibling + "valetkey-issuer-check"}));
    refuses_to_write();
    assumes_nothing();
    if (vending_.engine() == Engine::ceph) clients_have_no_sts();
    if (fine_) say("isolation", Outcome::good, "the session opens nothing else");
  }

  void refused(const std::string& what, const Result<http::ClientResponse>& answer) {
    if (!answer)
      say("isolation", Outcome::failed, what + ": " + answer.error().detail);
    else if (answer->status != 403)
      say("isolation", Outcome::failed,
          "a session is not refused the " + what + " (status " + std::to_string(answer->status) +
              "): look at the policies of the role and of the bucket");
  }

  void refuses_to_write() {
    const std::string key = place_.prefix + "valetkey-issuer-check";
    const auto put = send({.method = "PUT", .bucket = place_.bucket, .key = key, .body = "x"});
    refused("write", put);
    if (put && put->status / 100 == 2)
      (void)send({.method = "DELETE", .bucket = place_.bucket, .key = key});
  }

  // With the session's credentials: neither for longer nor for more.
  void assumes_nothing() {
    const auto role = fill(vending_.settings().role_arn, account_);
    if (!role) return;
    const auto again = vending_.sts().assume(
        aws::AssumeRole{
            .role_arn = *role,
            .session_name = "again",
            .policy = aws::prefix_policy({.bucket = place_.bucket, .prefixes = {place_.prefix}})
                          .value_or("{}"),
            .duration = seconds(900)},
        session_, now_);
    if (again)
      say("isolation", Outcome::failed,
          "a session may assume the role again: let its trust policy name this server alone, and "
          "deny sessions");
  }

  void clients_have_no_sts() {
    const auto sts =
        aws::Sts::at(vending_.network(), vending_.s3().name(), vending_.settings().region);
    if (!sts) return;
    const auto role = fill(vending_.settings().role_arn, account_);
    const auto session = sts->assume(aws::AssumeRole{.role_arn = role.value_or(""),
                                                     .session_name = "check",
                                                     .policy = "{}",
                                                     .duration = seconds(900)},
                                     own_->keys, now_);
    if (session || session.error().fault == aws::StsFault::denied)
      say("gateway", Outcome::warning,
          "clients reach STS at " + vending_.s3().name() +
              ": give them a gateway of their own with rgw enable apis = s3");
  }

  Vending& vending_;
  const AccountId account_;
  const seconds longest_;
  const Timestamp now_;
  const std::function<void(const Step&)>& tell_;
  bool fine_ = true;
  aws::KeptKeys::Kept own_;
  access::Place place_;
  sigv4::SigningCredentials session_;
};

}  // namespace

bool check_engine(Vending& vending, const AccountId& account, seconds longest, Timestamp now,
                  const std::function<void(const Step&)>& tell) {
  return Check(vending, account, longest, now, tell).run();
}

}  // namespace valetkey::issuer
