// Arguments fit the schema that they are made from, whatever the schema is.
#include "tools/mock/arguments.hpp"

#include <boost/test/unit_test.hpp>

using weir::mock::make_arguments;

BOOST_AUTO_TEST_SUITE(arguments_test)

BOOST_AUTO_TEST_CASE(required_properties_get_a_value_of_their_type) {
  BOOST_TEST(make_arguments(R"({"type":"object","required":["a","b","c","d","e","f","g"],"properties":{
      "a":{"type":"string"},"b":{"type":"number"},"c":{"type":"boolean"},"d":{"enum":["x","y"]},
      "e":{"type":"array","items":{"type":"string"}},"f":{"type":"null"},"unasked":{"type":"string"},
      "g":{"type":"object","required":["h"],"properties":{"h":{"type":"integer"}}}}})") ==
             R"({"a":"text","b":1,"c":true,"d":"x","e":[],"f":null,"g":{"h":1}})");
}

BOOST_AUTO_TEST_CASE(bounds_references_and_choices_are_heeded) {
  BOOST_TEST(make_arguments(R"({"required":["a","b","c","d","e","f"],"properties":{
      "a":{"type":"integer","minimum":5},"b":{"type":"number","maximum":-2.5},"c":{"type":["null","boolean"]},
      "d":{"$ref":"#/$defs/unit"},"e":{"anyOf":[{"type":"string"},{"type":"null"}]},
      "f":{"type":"array","minItems":2,"items":{"const":7}}},"$defs":{"unit":{"enum":["k","c"]}}})") ==
             R"({"a":5,"b":-2.5,"c":true,"d":"k","e":"text","f":[7,7]})");
}

BOOST_AUTO_TEST_CASE(a_schema_that_is_none_gives_no_arguments) {
  for (const char* schema : {"", "{}", "true", "[]", "{", "\"x\"", R"({"required":3})",
                             R"({"required":[1,{}]})", R"({"type":"object","properties":{"a":{}}})"})
    BOOST_TEST(make_arguments(schema) == "{}");
  BOOST_TEST(make_arguments(R"({"required":["a"]})") == R"({"a":"text"})");
  BOOST_TEST(make_arguments(R"({"required":["a"],"properties":{"a":{"type":7}}})") == R"({"a":"text"})");
}

BOOST_AUTO_TEST_CASE(a_schema_that_refers_to_itself_ends) {
  const std::string circle = make_arguments(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})");
  BOOST_TEST(circle == "{}");
  const std::string tree = make_arguments(R"({"required":["child"],"properties":{"child":{"$ref":"#"}}})");
  BOOST_TEST(tree.starts_with(R"({"child":{"child":{"child":)"));
  const std::string deep = make_arguments(
      R"({"$ref":"#/$defs/a","$defs":{"a":{"required":["n"],"properties":{"n":{"$ref":"#/$defs/a"}}}}})");
  BOOST_TEST(deep.ends_with("{}}}}}}}}}"));
  std::string names;
  std::string properties;
  for (int n = 0; n != 50; ++n) {
    names += (n == 0 ? "\"" : ",\"") + std::to_string(n) + '"';
    properties += (n == 0 ? "\"" : ",\"") + std::to_string(n) + R"(":{"$ref":"#"})";
  }
  const std::string bush =
      make_arguments(R"({"required":[)" + names + R"(],"properties":{)" + properties + "}}");
  BOOST_TEST(bush.size() < 100'000U);
  BOOST_TEST(bush.ends_with(R"("49":{}})"));
}

BOOST_AUTO_TEST_SUITE_END()
