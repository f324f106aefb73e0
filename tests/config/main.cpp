// Loading configurations, and above all refusing them well.
#define BOOST_TEST_MODULE config
#include <boost/test/unit_test.hpp>
