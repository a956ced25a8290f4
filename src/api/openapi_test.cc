// SPDX-License-Identifier: Apache-2.0
// openapi.json against the table of endpoints, and against itself.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "api/landing.h"
#include "api/problem.h"
#include "api/routes.h"

namespace valetkey::api {
namespace {

namespace json = boost::json;

const json::object& document() {
  static const json::value kDocument = json::parse(openapi_document());
  return kDocument.as_object();
}

std::string_view method_in_document(http::Method method) {
  if (method == http::Method::post) return "post";
  if (method == http::Method::delete_) return "delete";
  return "get";
}

// Calls `visit(key, value)` for every member of every object below `value`.
template <class Visit>
void walk(const json::value& value, const Visit& visit) {
  if (const auto* object = value.if_object())
    for (const auto& [key, member] : *object) {
      visit(key, member);
      walk(member, visit);
    }
  if (const auto* array = value.if_array())
    for (const auto& member : *array) walk(member, visit);
}

// Those that the console and the doors to the tables serve; tests of theirs hold the document against them.
bool is_elsewhere(const json::value& operation) {
  const json::value& tag = operation.at("tags").at(0);
  return tag == "console" || tag == "tables";
}

TEST(OpenApi, NamesEveryEndpointAndNoOther) {
  std::set<std::string> served;
  for (const Route& route : routes())
    served.insert(std::string(method_in_document(route.method)) + " " + std::string(route.path));
  std::set<std::string> documented;
  for (const auto& [path, item] : document().at("paths").as_object())
    for (const auto& [method, operation] : item.as_object())
      if (!is_elsewhere(operation))
        documented.insert(std::string(method) + " " + std::string(path));
  EXPECT_EQ(documented, served);
}

TEST(OpenApi, PointsOnlyAtWhatIsThere) {
  int references = 0;
  walk(document(), [&](std::string_view key, const json::value& value) {
    if (key != "$ref") return;
    ++references;
    const std::string_view pointer = value.as_string();
    ASSERT_TRUE(pointer.starts_with("#/"));
    boost::system::error_code error;
    EXPECT_NE(json::value(document()).find_pointer(pointer.substr(1), error), nullptr) << pointer;
  });
  EXPECT_GT(references, 50);
}

TEST(OpenApi, NamesEveryCodeOfAProblem) {
  std::set<std::string> documented;
  const json::value whole(document());
  for (const auto& code :
       whole.at_pointer("/components/schemas/Error/properties/code/enum").as_array())
    documented.insert(std::string(code.as_string()));
  std::set<std::string> known;
  for (int i = 0; i <= static_cast<int>(ProblemCode::unavailable); ++i)
    known.insert(std::string(name_of(static_cast<ProblemCode>(i))));
  EXPECT_EQ(documented, known);
}

TEST(OpenApi, GivesEachOperationAnIdAndItsErrors) {
  std::set<std::string> ids;
  for (const auto& [path, item] : document().at("paths").as_object())
    for (const auto& [method, operation] : item.as_object()) {
      EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second);
      const auto& responses = operation.at("responses").as_object();
      const bool of_tables = operation.at("tags").at(0) == "tables";
      for (const char* status : {of_tables ? "403" : "405", "431", "500", "503"})
        EXPECT_TRUE(responses.contains(status)) << path << " " << status;
      const bool open =
          operation.as_object().contains("security") && operation.at("security").as_array().empty();
      EXPECT_NE(responses.contains("401"), open) << path;
    }
}

TEST(OpenApi, SaysWhichRoutesTakeAToken) {
  for (const Route& route : routes()) {
    if (route.path == kEventsPath) continue;  // which takes a key of its own
    const auto& operation = document()
                                .at("paths")
                                .as_object()
                                .at(route.path)
                                .as_object()
                                .at(method_in_document(route.method))
                                .as_object();
    const auto* security = operation.if_contains("security");
    EXPECT_EQ(security != nullptr && security->as_array().empty(), !route.shows) << route.path;
  }
}

}  // namespace
}  // namespace valetkey::api
