"""The fixed first entities of every world: the ids and names that the documentation's examples use."""

ORGANIZATION = "e10dd34c-49c9-5749-b081-7c7bdaacc9a1"
GROUP = "9129d65b-8c4e-5f7c-8510-a70405f56bb1"
TEAM = "8adab439-d685-5571-a576-35a749289d56"

OWNER = "18649498-cd5c-5187-84af-2c34745bb890"
ADMIN = "917bc27f-e4bf-5d24-8a5a-3e449b6fa061"
OWNER_MEMBERSHIP = "a7391d61-c3c3-58a5-8411-5933e951f8e8"
OWNER_SCHEDULE = "922c8dea-efa9-5b68-b152-0c5ab77df786"

INTRO_CALL = "7121342e-f121-5781-bef6-a20c5dcd7dc3"
SALES_DEMO = "3917c140-e6ac-5926-a548-4352db6533cc"

ACTIVE_EVENT = "0841fe7d-3e7e-50d2-b88d-11f826a41ca2"
ACTIVE_INVITEE = "499876d8-c80c-54dc-934e-55c5a4ab78c4"
CANCELED_EVENT = "06f3e6c9-0064-5f43-b09e-f234753ee816"
CANCELED_INVITEE = "21fb05ff-9fb1-54c4-849d-adf4aa47e6b6"

ACTIVE_HOOK = "e3acb1b4-5b84-5d45-8b6a-d49dd24499b2"
DISABLED_HOOK = "9932e022-4512-5f01-8ae5-09f492df757d"

OWNER_NAME, OWNER_MAIL = "Ada Okafor", "ada@acme.example"
ADMIN_NAME, ADMIN_MAIL = "Ben Iwu", "ben@acme.example"
GUEST_MAIL = "guest@client.example"

INVITEE = {"name": "Noor van Dijk", "email": "noor@client.example"}
INVITEE_ANSWERS = ("Pricing for 40 seats", "Core\nReports")
INVITEE_TRACKING = {
    "utm_campaign": "autumn-2026",
    "utm_source": "newsletter",
    "utm_medium": "email",
    "utm_content": None,
    "utm_term": None,
    "salesforce_uuid": None,
}

HOOK_URL = "https://hooks.acme.example/calendly"
DISABLED_HOOK_URL = "https://hooks.acme.example/old"
HOOK_EVENTS = ("invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted")

# A second, small organization on the free plan: what must not be seen from the first.
SMALL_OWNER_NAME, SMALL_OWNER_MAIL = "Cleo Marsh", "cleo@marsh.example"
