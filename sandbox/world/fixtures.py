"""The fixed records of every world; the examples in `schemas/` use their ids and names."""

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

ACTIVE_WEBHOOK = "e3acb1b4-5b84-5d45-8b6a-d49dd24499b2"
DISABLED_WEBHOOK = "9932e022-4512-5f01-8ae5-09f492df757d"

SHARE, SHARE_URL = "6139bd3d-9c2d-56fa-bd57-f98b0c8ada9d", "https://calendly.com/s/x1y2-z3-a4b5"
BOOKED_SHARE, BOOKED_SHARE_URL = "3088c3e7-436e-589c-8654-b07eb888c62a", "https://calendly.com/d/ck9f-2pz-8qw"
EXPIRED_SHARE, EXPIRED_SHARE_URL = (
    "e12cbd95-e825-5172-b9ab-320f3dbc6861",
    "https://calendly.com/s/q8r7-s6-t5u4",
)

OWNER_NAME, OWNER_EMAIL = "Ada Okafor", "ada@acme.example"
ADMIN_NAME, ADMIN_EMAIL = "Ben Iwu", "ben@acme.example"
GUEST_EMAIL = "guest@client.example"

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

WEBHOOK_URL = "https://hooks.acme.example/calendly"
DISABLED_WEBHOOK_URL = "https://hooks.acme.example/old"
WEBHOOK_EVENTS = ("invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted")

# A second, small organization on the free plan, which the first must not see.
SMALL_OWNER_NAME, SMALL_OWNER_EMAIL = "Cleo Marsh", "cleo@marsh.example"

# Records related to meetings.

NO_SHOW = "b3e58775-4a04-58eb-8b63-2a04aecf0571"
RECAP = "413ecd7a-ed22-5314-85a3-1c618f3ad24d"
RECAP_SHARE = "4c974fa6-2911-51bf-8dcb-963d1c9e2f8c"
LOG_ENTRY = "e157c895-cafa-5f62-9440-2942cb4c4e97"
ADDED_EMAIL = "carla@acme.example"

CONTACT = "29b523a1-1175-5029-b697-3e81b12d0acc"
CONTACT_SECOND_EMAIL, CONTACT_PHONE = "n.vandijk@home.example", "+31200000000"
DEAL_SIZE = "df8f4a00-0da4-595c-b6da-781809f1a1d8"
TIER = "c2d1696d-b628-589d-ad33-6f09bb923f0d"
TIER_OPTIONS = (
    {"uuid": "ca77320a-96cf-52ef-99fa-51b271ca223a", "label": "Gold", "color": None, "is_active": True},
    {"uuid": "fb551d43-f7d3-5c6d-887c-aaa46c5a0a74", "label": "Silver", "color": None, "is_active": False},
)
TRADE_FAIR = "fd06d5d7-3a0f-593e-bda5-479155eefa58"
TRADE_FAIR_SIZE = 12
DUTCH_BUYERS = "e6ade903-574f-5028-8f76-e89a4a964ded"
NOTE = "c880336b-8351-5913-9fdf-899192739cc8"

FORM = "87eaa76e-0420-598b-b19b-887acf6128c4"
FORM_QUESTIONS = (
    ("68653833-146a-5651-8e54-1a2f1635dfb4", "Your name", "name", None),
    ("3d288b3d-11df-5925-ae60-bed0f2277122", "Your email", "email", None),
    ("82965d50-cfe1-5d5c-bf43-a24f9889bcc7", "Company size", "select", ("1-10", "11-50", "51+")),
)
FORM_ANSWERS = ("Noor van Dijk", "noor@client.example", "11-50")
SUBMISSION = "6b60949d-3927-5298-b5bd-e74506b621f1"
SUBMISSION_WITH_MESSAGE = "98a68afc-608e-52ac-a98a-40a83a5c1156"
SUBMISSION_WITH_URL = "d2ab1a23-2c12-5f83-bfda-5884cd817fad"
FORM_MESSAGE = {"headline": "Thank you", "body": "We will write to you."}
FORM_URL = "https://acme.example/self-serve"

# Records of the organization.

ORGANIZATION_NAME, SMALL_ORGANIZATION_NAME = "Acme GmbH", "Marsh"
TEAM_NAME, TEAM_PAGE = "Sales", "acme-sales"
GROUP_NAME = "Sales"
INVITATION, INVITED_EMAIL = "c21a5bc1-6d22-5edc-85b9-b016ef1d1059", "carla@acme.example"
OWNER_RELATIONSHIP = "d2ccd9c1-4320-57ef-8230-85c323d510cc"
INVITATION_RELATIONSHIP = "982791a6-dc7b-57c1-84f6-246037cff2ee"
SALES_DEMO_HOST = "5aa807cf-2853-5c36-a302-898185d2dcfc"
