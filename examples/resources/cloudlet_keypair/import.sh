terraform import cloudlet_keypair.admin admin
