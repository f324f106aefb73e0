// Histories, storms, and the proof that their invariants can fail.
#define BOOST_TEST_MODULE simulation
#include <boost/test/unit_test.hpp>
