// The mock provider: plans, answers, faults.
#define BOOST_TEST_MODULE mock
#include <boost/test/unit_test.hpp>
