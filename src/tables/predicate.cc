// SPDX-License-Identifier: Apache-2.0
#include "tables/predicate.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <string>

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::BoundValue;

enum class Op : std::uint8_t {
  anything,  // not understood: may hold of every part
  and_,
  or_,
  is_null,
  equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
};

std::optional<Op> comparison(std::string_view name) {
  if (name == "equal" || name == "=" || name == "==") return Op::equal;
  if (name == "lessThan" || name == "<") return Op::less;
  if (name == "lessThanOrEqual" || name == "<=") return Op::less_or_equal;
  if (name == "greaterThan" || name == ">") return Op::greater;
  if (name == "greaterThanOrEqual" || name == ">=") return Op::greater_or_equal;
  return std::nullopt;
}

// The same with its sides exchanged.
Op mirrored(Op op) {
  switch (op) {
    case Op::less:
      return Op::greater;
    case Op::less_or_equal:
      return Op::greater_or_equal;
    case Op::greater:
      return Op::less;
    case Op::greater_or_equal:
      return Op::less_or_equal;
    default:
      return op;
  }
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return found->get_string();
}

}  // namespace

struct Predicate::Node {
  Op op = Op::anything;
  std::vector<Node> children;  // of and, or
  std::string column;
  std::string literal;
  std::string value_type;  // of the literal
};

namespace {

using Node = Predicate::Node;

class Parser {
 public:
  Node parse(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr || ++nodes_ > kMaxPredicateNodes) return {};
    const std::string_view op = text_of(*object, "op");
    const auto* children = object->if_contains("children");
    if (children == nullptr || !children->is_array()) return {};
    const json::array& of = children->get_array();
    if (op == "and" || op == "or") return combined(op == "and" ? Op::and_ : Op::or_, of);
    if (op == "isNull" && of.size() == 1) return is_null(of[0]);
    if (const auto compares = comparison(op); compares && of.size() == 2)
      return compared(*compares, of[0], of[1]);
    return {};
  }

 private:
  Node combined(Op op, const json::array& children) {
    Node node;
    if (children.empty()) return node;
    node.op = op;
    for (const json::value& child : children) node.children.push_back(parse(child));
    return node;
  }

  static Node is_null(const json::value& child) {
    const auto* column = child.if_object();
    if (column == nullptr || text_of(*column, "op") != "column") return {};
    Node node;
    node.op = Op::is_null;
    node.column = text_of(*column, "name");
    return node;
  }

  static Node compared(Op op, const json::value& one, const json::value& other) {
    const auto* column = one.if_object();
    const auto* literal = other.if_object();
    if (column == nullptr || literal == nullptr) return {};
    if (text_of(*column, "op") == "literal") {
      std::swap(column, literal);
      op = mirrored(op);
    }
    if (text_of(*column, "op") != "column" || text_of(*literal, "op") != "literal") return {};
    const auto* value = literal->if_contains("value");
    if (value == nullptr || !value->is_string()) return {};
    Node node;
    node.op = op;
    node.column = text_of(*column, "name");
    node.literal = value->get_string();
    node.value_type = text_of(*literal, "valueType");
    return node;
  }

  std::size_t nodes_ = 0;
};

template <class Value>
bool overlaps(Op op, const Value& lower, const Value& upper, const Value& value) {
  switch (op) {
    case Op::equal:
      return lower <= value && value <= upper;
    case Op::less:
      return lower < value;
    case Op::less_or_equal:
      return lower <= value;
    case Op::greater:
      return upper > value;
    case Op::greater_or_equal:
      return upper >= value;
    default:
      return true;
  }
}

bool may_hold_of_day(const Node& node, Date day) {
  if (node.op == Op::is_null) return false;
  const auto literal = parse_date(node.literal);
  return !literal || overlaps(node.op, day, day, *literal);
}

bool may_hold_of_column(const Node& node, const Hinted& part) {
  if (part.statistics == nullptr) return true;
  const auto field = layout::find_field(part.type, node.column);
  const auto* column = field ? part.statistics->column(field->id) : nullptr;
  if (column == nullptr) return true;
  if (node.op == Op::is_null) return column->nulls != 0U;
  if (!column->bounds) return true;
  const auto& [lower, upper, exact] = *column->bounds;
  if (node.value_type == "string") {
    const auto* least = std::get_if<std::string>(&lower);
    const auto* greatest = std::get_if<std::string>(&upper);
    return least == nullptr || greatest == nullptr ||
           overlaps(node.op, *least, *greatest, node.literal);
  }
  if (node.value_type != "int" && node.value_type != "long") return true;
  if (field->kind != layout::FieldKind::integer) return true;
  std::int64_t value = 0;
  const char* end = node.literal.data() + node.literal.size();
  const auto read = std::from_chars(node.literal.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return true;
  const auto* least = std::get_if<std::int64_t>(&lower);
  const auto* greatest = std::get_if<std::int64_t>(&upper);
  return least == nullptr || greatest == nullptr || overlaps(node.op, *least, *greatest, value);
}

bool may_hold(const Node& node, const Hinted& part) {
  const auto holds = [&](const Node& child) { return may_hold(child, part); };
  switch (node.op) {
    case Op::anything:
      return true;
    case Op::and_:
      return std::ranges::all_of(node.children, holds);
    case Op::or_:
      return std::ranges::any_of(node.children, holds);
    default:
      return node.column == "date" ? may_hold_of_day(node, part.day)
                                   : may_hold_of_column(node, part);
  }
}

}  // namespace

std::optional<Predicate> Predicate::parse(std::string_view text) {
  if (text.size() > kMaxPredicateBytes || !is_utf8(text)) return std::nullopt;
  boost::system::error_code wrong;
  json::parse_options options;
  options.max_depth = kMaxPredicateDepth;
  const json::value value = json::parse(text, wrong, {}, options);
  if (wrong || !value.is_object()) return std::nullopt;
  return Predicate(std::make_shared<const Node>(Parser().parse(value)));
}

Predicate Predicate::parse_sql(std::string_view text) {
  constexpr std::string_view kDate = "date";
  text = trimmed(text, " ");
  if (text.size() > kMaxPredicateBytes || !text.starts_with(kDate)) return Predicate(nullptr);
  text = trimmed(text.substr(kDate.size()), " ");
  const std::size_t quote = text.find('\'');
  if (quote == std::string_view::npos || text.size() < quote + 2 || !text.ends_with('\''))
    return Predicate(nullptr);
  const auto op = comparison(trimmed(text.substr(0, quote), " "));
  if (!op) return Predicate(nullptr);
  Node node;
  node.op = *op;
  node.column = kDate;
  node.literal = text.substr(quote + 1, text.size() - quote - 2);
  return Predicate(std::make_shared<const Node>(std::move(node)));
}

bool Predicate::may_hold(const Hinted& part) const {
  return root_ == nullptr || tables::may_hold(*root_, part);
}

}  // namespace valetkey::tables
