// The values: what every other part is made of.
#define BOOST_TEST_MODULE values
#include <boost/test/unit_test.hpp>
