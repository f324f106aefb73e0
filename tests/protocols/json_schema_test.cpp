// JSON against JSON Schema: what fits, what is said of what does not, and schemas that mean harm.
// Meanings are those of JSON Schema's specification, draft 2020-12.
#include "protocols/json_schema.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <string>
#include <vector>

using namespace weir::protocols;

namespace {

json_schema schema(std::string_view text) {
  auto parsed = json_schema::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), text << ": " << to_string(parsed.error()));
  return *parsed;
}

using told = std::vector<std::string>;

/// Faults as `path: problem`.
told faults(std::string_view text, std::string_view json) {
  told said;
  for (const schema_fault& each : schema(text).check(json))
    said.push_back(each.path + ": " + each.problem);
  return said;
}

void check(std::string_view text, std::string_view json, const told& wanted) {
  BOOST_TEST_CONTEXT(text << " against " << json)
  BOOST_TEST(faults(text, json) == wanted, boost::test_tools::per_element());
}

void check_fits(std::string_view text, std::initializer_list<std::string_view> good,
                std::initializer_list<std::string_view> bad) {
  for (const std::string_view json : good)
    BOOST_TEST(faults(text, json).empty(), text << " against " << json << ": " << faults(text, json).front());
  for (const std::string_view json : bad)
    BOOST_TEST(!faults(text, json).empty(), text << " against " << json);
}

std::string place_of(std::string_view text) {
  const auto parsed = json_schema::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed.has_error(), text);
  BOOST_TEST((parsed.error().type == weir::errc::invalid_request));
  return parsed.error().place;
}

constexpr std::string_view weather = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "city": {"type": "string", "minLength": 1, "description": "Where."},
    "unit": {"enum": ["celsius", "fahrenheit"]},
    "days": {"type": "integer", "minimum": 1, "maximum": 14},
    "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "maxItems": 3}
  },
  "required": ["city", "unit"],
  "additionalProperties": false,
  "$defs": {"stop": {"type": "object", "properties": {"post code": {"type": "string"}}}}
})";

} // namespace

BOOST_AUTO_TEST_SUITE(json_schema_test)

BOOST_AUTO_TEST_CASE(a_good_call_has_no_fault) {
  check(weather, R"({"city":"Rome","unit":"celsius","days":3.0,"stops":[{"post code":"00184"}]})", {});
}

BOOST_AUTO_TEST_CASE(every_fault_of_a_call_is_told_with_its_path) {
  check(weather, R"({"city":7,"days":0,"stops":[{},{"post code":1}],"when":"now"})",
        {"$.unit: is required, and is missing", "$.city: expected a string, got an integer",
         "$.days: expected at least 1, got 0", "$.stops[1][\"post code\"]: expected a string, got an integer",
         R"($.when: is not known here; known are "city", "unit", "days" and "stops")"});
  check(weather, R"({"city":"","unit":"kelvin","days":1.5,"stops":[1,2,3,4]})",
        {"$.city: expected at least 1 character, got 0",
         R"($.unit: expected one of "celsius" or "fahrenheit", got "kelvin")",
         "$.days: expected an integer, got 1.5", "$.stops: expected at most 3 items, got 4",
         "$.stops[0]: expected an object, got an integer", "$.stops[1]: expected an object, got an integer",
         "$.stops[2]: expected an object, got an integer", "$.stops[3]: expected an object, got an integer"});
  check(weather, "[]", {"$: expected an object, got an array"});
}

BOOST_AUTO_TEST_CASE(no_arguments_are_an_empty_object_and_no_json_is_a_fault) {
  check(R"({"type":"object"})", "", {});
  check(R"({"type":"object"})", " \n", {});
  check(R"({"required":["a"]})", "", {"$.a: is required, and is missing"});
  const auto broken = faults(weather, R"({"city": "Ro)");
  BOOST_REQUIRE_EQUAL(broken.size(), 1U);
  BOOST_TEST(broken[0].starts_with("$: no JSON: "), broken[0]);
}

BOOST_AUTO_TEST_CASE(types_are_told_apart) {
  check_fits(R"({"type":"integer"})", {"1", "1.0", "-0", "1e3", "18446744073709551615", "1e300"},
             {"1.5", "\"1\"", "null", "true"});
  check_fits(R"({"type":"number"})", {"1", "1.5"}, {"\"1\"", "[]"});
  check_fits(R"({"type":["string","null"]})", {"\"\"", "null"}, {"0", "false", "{}"});
  check_fits(R"({"type":"boolean"})", {"true", "false"}, {"0", "\"true\"", "null"});
  check(R"({"type":["string","integer","null"]})", "[]",
        {"$: expected null, an integer or a string, got an array"});
  check_fits(R"({"type":"string","nullable":true})", {"null", "\"\""}, {"1"});
  check_fits("true", {"1", "null"}, {});
  check_fits("false", {}, {"1", "null"});
  check_fits("{}", {"1", "null", "[[]]"}, {});
}

BOOST_AUTO_TEST_CASE(values_are_compared_by_meaning) {
  check_fits(R"({"const":null})", {"null"}, {"0", "false"});
  check_fits(R"({"const":1})", {"1", "1.0"}, {"true", "\"1\"", "2"});
  check_fits(R"({"const":{"a":[1,2],"b":null}})", {R"({"b":null,"a":[1.0,2]})"},
             {"{}", R"({"a":[2,1],"b":null})", R"({"a":[1,2],"c":null})"});
  check_fits(R"({"enum":["a",1,null,[]]})", {"\"a\"", "1", "null", "[]"}, {"\"b\"", "[1]", "{}", "false"});
  check(R"({"const":"x"})", "\"y\"", {R"($: expected "x", got "y")"});
  check(R"({"enum":["x"]})", "1", {R"($: expected "x", got 1)"});
}

BOOST_AUTO_TEST_CASE(numbers_have_limits) {
  check_fits(R"({"minimum":1,"maximum":3})", {"1", "3", "1.5", "\"no number\""}, {"0.99", "3.01", "-1"});
  check_fits(R"({"exclusiveMinimum":1,"exclusiveMaximum":3})", {"1.01", "2"}, {"1", "3", "1.0"});
  check_fits(R"({"minimum":1,"exclusiveMinimum":true,"maximum":3,"exclusiveMaximum":false})", {"3", "2"},
             {"1"});
  check_fits(R"({"maximum":9007199254740993})", {"9007199254740993"}, {"9007199254740994"});
  check_fits(R"({"minimum":-1})", {"18446744073709551615", "-1"}, {"-2", "-9223372036854775808"});
  check_fits(R"({"multipleOf":5})", {"0", "-10", "15.0", "18446744073709551615"}, {"1", "-7", "7.5"});
  check_fits(R"({"multipleOf":0.01})", {"0.07", "4.35", "1"}, {"0.075"});
  check_fits(R"({"multipleOf":0.5})", {"1e308"}, {"0.3", "1e", "1e400"});
  check(R"({"multipleOf":5})", "7", {"$: expected a multiple of 5, got 7"});
}

BOOST_AUTO_TEST_CASE(texts_are_measured_in_characters) {
  check_fits(R"({"minLength":2,"maxLength":3})", {"\"ab\"", "\"äöü\"", R"("\ud83d\ude00\ud83d\ude00")", "7"},
             {"\"a\"", R"("\ud83d\ude00")", "\"abcd\""});
  check_fits(R"({"pattern":"^[a-z]{2}\\d+$"})", {"\"ab1\"", "7"}, {"\"ab\"", "\"xab1\"", "\"ab1x\""});
  check_fits(R"({"pattern":"b"})", {"\"abc\""}, {"\"ac\""});
  check(R"({"pattern":"^x$"})", "\"y\"", {R"($: expected text that matches ^x$, got "y")"});
  check(R"({"pattern":"(?=a)b"})", "\"not understood, so not checked\"", {});
  check(R"({"format":"date"})", "\"no date\"", {});
}

BOOST_AUTO_TEST_CASE(arrays_are_checked_item_by_item) {
  check_fits(R"({"items":{"type":"string"}})", {"[]", "[\"a\"]", "{}"}, {"[1]", "[\"a\",null]"});
  check_fits(R"({"prefixItems":[{"type":"string"}],"items":{"type":"number"}})", {"[]", "[\"a\",1]"},
             {"[1]", "[\"a\",\"b\"]"});
  check_fits(R"({"prefixItems":[{"type":"string"}],"items":false})", {"[\"a\"]"}, {"[\"a\",1]"});
  check_fits(R"({"items":[{"type":"string"}],"additionalItems":false})", {"[\"a\"]", "[]"},
             {"[1]", "[\"a\",1]"});
  check_fits(R"({"minItems":1,"maxItems":2})", {"[1]", "[1,2]"}, {"[]", "[1,2,3]"});
  check_fits(R"({"uniqueItems":true})", {R"([1,"1",true,[],{},[1]])", "[]"},
             {"[1,1.0]", "[\"a\",\"a\"]", R"([{"a":1,"b":2},{"b":2,"a":1}])", "[[1],[1]]"});
  check(R"({"uniqueItems":true})", R"(["a",1,"a"])",
        {"$[2]: is the same as item 0, and each may stand once"});
}

BOOST_AUTO_TEST_CASE(objects_are_checked_member_by_member) {
  check_fits(R"({"additionalProperties":{"type":"number"},"properties":{"a":{}}})", {R"({"a":"x","b":1})"},
             {R"({"b":"x"})"});
  check_fits(R"({"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false})",
             {R"({"x-a":"b"})"}, {R"({"x-a":1})", R"({"y":1})"});
  check_fits(R"x({"patternProperties":{"(?!a)":{"type":"string"}},"additionalProperties":false})x",
             {R"({"a":1})"}, {});
  check_fits(R"({"minProperties":1,"maxProperties":2})", {R"({"a":1})"}, {"{}", R"({"a":1,"b":2,"c":3})"});
  check_fits(R"({"required":["a"]})", {R"({"a":null})", "1"}, {"{}"});
  check(R"({"additionalProperties":false})", R"({"a":1})", {"$.a: is not known here; nothing is"});
  check(R"({"properties":{"a":false}})", R"({"a":1})", {"$.a: is not allowed here"});
  // A schema's own names may be those of keywords.
  check(R"({"properties":{"type":{"type":"string"},"$ref":{"type":"string"}}})", R"({"type":1,"$ref":2})",
        {"$.type: expected a string, got an integer", "$.$ref: expected a string, got an integer"});
}

BOOST_AUTO_TEST_CASE(alternatives_tell_of_the_one_that_was_meant) {
  constexpr std::string_view optional =
      R"({"anyOf":[{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}},{"type":"null"}]})";
  check(optional, "null", {});
  check(optional, R"({"a":1})", {"$.a: expected a string, got an integer"});
  check(optional, "1", {"$: expected null or an object, got an integer"});
  constexpr std::string_view two =
      R"({"anyOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]},{"type":"string"}]})";
  check(two, R"({"b":1})", {});
  check(two, "{}",
        {"$: fits none of 3 alternatives: 1) $.a is required, and is missing; 2) $.b is required, and is "
         "missing"});
  check_fits(R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", {"1", "2.5"}, {"1.5", "3"});
  check(R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", "3",
        {"$: fits alternatives 1 and 2 of its schema, and must fit exactly one"});
  check_fits(R"({"allOf":[{"minimum":1},{"maximum":2}]})", {"1", "2"}, {"0", "3"});
  check_fits(R"({"not":{"type":"string"}})", {"1"}, {"\"a\""});
  check_fits(R"({"not":{"not":{"type":"string"}}})", {"\"a\""}, {"1"});
}

BOOST_AUTO_TEST_CASE(references_lead_to_schemas_of_the_same_text) {
  constexpr std::string_view tree =
      R"({"$ref":"#/definitions/node","definitions":{"node":{"type":"object","required":["v"],)"
      R"("properties":{"v":{"type":"number"},"next":{"$ref":"#/definitions/node"},"all":{"type":"array","items":{"$ref":"#"}}}}}})";
  check(tree, R"({"v":1,"next":{"v":2,"all":[{"v":3},{"v":4}]}})", {});
  check(tree, R"({"v":1,"next":{"v":2,"all":[{"v":3},{"w":4}]}})",
        {"$.next.all[1].v: is required, and is missing"});
  check_fits(R"({"$ref":"#/$defs/a","maximum":3,"$defs":{"a":{"minimum":1}}})", {"2"}, {"0", "4"});
  check_fits(R"({"$ref":"#/$defs/a~1b~0c%25","$defs":{"a/b~c%":{"minimum":1}}})", {"1"}, {"0"});
  check_fits(R"({"$ref":"#/prefixItems/1","prefixItems":[{},{"minimum":1}]})", {"1"}, {"0"});
  for (const char* reference : {"#/$defs/b", "other.json", "https://example.org/s", "#name", "#/$defs/a/type",
                                "#/prefixItems/01x", "#/prefixItems/9"})
    BOOST_TEST(place_of(R"({"$defs":{"a":{"type":"string"}},"prefixItems":[{}],"items":{"$ref":")" +
                        std::string(reference) + "\"}}") == "$.items.$ref",
               reference);
}

BOOST_AUTO_TEST_CASE(a_bad_schema_is_refused_with_its_path) {
  BOOST_TEST(place_of("[]") == "$");
  BOOST_TEST(place_of("{").starts_with("byte "));
  BOOST_TEST(place_of(R"({"type":"int"})") == "$.type");
  BOOST_TEST(place_of(R"({"type":[]})") == "$.type");
  BOOST_TEST(place_of(R"({"properties":{"a b":{"type":7}}})") == R"($.properties["a b"].type)");
  BOOST_TEST(place_of(R"({"properties":{"a":[]}})") == "$.properties.a");
  BOOST_TEST(place_of(R"({"properties":[]})") == "$.properties");
  BOOST_TEST(place_of(R"({"anyOf":[{},1]})") == "$.anyOf[1]");
  BOOST_TEST(place_of(R"({"anyOf":{}})") == "$.anyOf");
  BOOST_TEST(place_of(R"({"required":true})") == "$.required");
  BOOST_TEST(place_of(R"({"minLength":-1})") == "$.minLength");
  BOOST_TEST(place_of(R"({"multipleOf":0})") == "$.multipleOf");
  BOOST_TEST(place_of(R"({"enum":{}})") == "$.enum");
  BOOST_TEST(place_of(R"({"$ref":1})") == "$.$ref");
  BOOST_TEST(place_of("{\"description\":\"" + std::string(json_schema::largest, 'x') + "\"}") == "$");
  check(R"({"unheard":"of","if":7,"default":[],"title":null})", "1", {});
}

BOOST_AUTO_TEST_CASE(not_more_than_twenty_faults_are_told) {
  std::string json = "[0";
  for (int n = 1; n != 1000; ++n)
    json += "," + std::to_string(n);
  BOOST_TEST(faults(R"({"items":{"type":"string"}})", json + "]").size() == json_schema::most_faults);
}

BOOST_AUTO_TEST_CASE(a_schema_without_end_ends) {
  const told given_up{"$: is too large or too deeply nested to be checked against its schema"};
  check(R"({"$ref":"#"})", "1", given_up);
  check(R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})", "1", given_up);
  check(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", "1", given_up);
  check(R"({"not":{"$ref":"#"}})", "1", given_up);
  // Two ways at each of a hundred levels.
  std::string json;
  for (int n = 0; n != 100; ++n)
    json += R"({"a":)";
  json += "1" + std::string(100, '}');
  check(
      R"({"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["a"]},{"properties":{"a":{"$ref":"#"}},"required":["b"]}]})",
      json, given_up);
}

BOOST_AUTO_TEST_CASE(large_values_are_checked_or_given_up_in_little_time) {
  std::string items = "[";
  std::string members = "{";
  std::string required = "[";
  for (int n = 0; n != 50'000; ++n) {
    items += std::to_string(n) + ",";
    members += "\"m" + std::to_string(n) + "\":1,";
    required += "\"n" + std::to_string(n) + "\",";
  }
  items += "0]";
  members += "\"last\":1}";
  required += "\"last\"]";
  BOOST_TEST(!faults(R"({"uniqueItems":true})", items).empty());
  BOOST_TEST(!faults("{\"required\":" + required + "}", members).empty());
  BOOST_TEST(!faults("{\"const\":" + members + "}", members).empty());
  BOOST_TEST(!faults(R"({"pattern":"(a|aa)+$"})", "\"" + std::string(8U << 20U, 'a') + "b\"").empty());
}

BOOST_AUTO_TEST_CASE(long_paths_and_texts_are_cut) {
  std::string json = R"({")" + std::string(300, 'n') + R"(":)";
  const auto cut = faults(R"({"additionalProperties":{"type":"string"}})", json + "1}");
  BOOST_REQUIRE_EQUAL(cut.size(), 1U);
  BOOST_TEST(cut[0] == "$[\"" + std::string(64, 'n') + "…\"]: expected a string, got an integer");
  std::string nested;
  std::string inner = R"({"type":"string"})";
  for (int n = 0; n != 100; ++n) {
    nested += R"({"member_of_a_long_name":)";
    inner = R"({"additionalProperties":)" + inner + "}";
  }
  const auto far = schema(inner).check(nested + "1" + std::string(100, '}'));
  BOOST_REQUIRE_EQUAL(far.size(), 1U);
  BOOST_TEST(far[0].path.size() < 600U);
}

BOOST_AUTO_TEST_SUITE_END()
