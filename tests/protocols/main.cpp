// Wire formats: recorded traffic, hostile bodies, round trips.
#define BOOST_TEST_MODULE protocols
#include <boost/test/unit_test.hpp>
