# What a guest must be able to do before KVM is believed to run guests: all that
# a kernel does on its first steps. It is a boot sector: real mode, protected mode
# with an interrupt and its return, long mode with paging and the same, sleep until
# a timer's interrupt. Then it powers the machine off, which is the proof.
#
#   as -o probe.o probe.S && ld -Ttext 0x7c00 --oformat binary -o probe.bin probe.o
	.globl _start
	.code16
_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	cld
	mov	$0x1000, %di		# interrupt and page tables
	mov	$0x2000, %cx
	rep stosw
	lgdt	gdtr
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmp	$0x08, $protected

	.code32
protected:
	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	xor	%ebx, %ebx		# interrupts that returned
	movl	$(0x00080000 + handler32), 0x1000 + 0x30 * 8
	movl	$0x00008e00, 0x1004 + 0x30 * 8
	lidt	idtr
	int	$0x30
	movl	$0x3003, 0x2000
	movl	$0x4003, 0x3000
	movl	$0x0083, 0x4000		# the first 2 MiB
	mov	$0x2000, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$0x20, %al
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	ljmp	$0x18, $long
handler32:
	inc	%ebx
	iret

	.code64
long:
	movl	$(0x00180000 + handler64), 0x1000 + 0x30 * 16
	movl	$0x00008e00, 0x1004 + 0x30 * 16
	movl	$(0x00180000 + timer64), 0x1000 + 0x08 * 16
	movl	$0x00008e00, 0x1004 + 0x08 * 16
	lidt	idtr
	int	$0x30
	sti
	hlt
	cli
	cmp	$0x102, %ebx
	jne	stay
	mov	$0x604, %dx		# the machine's power, where its firmware puts it
	mov	$0x2000, %ax
	out	%ax, %dx
stay:
	hlt
	jmp	stay
handler64:
	inc	%ebx
	iretq
timer64:
	inc	%bh
	mov	$0x20, %al
	out	%al, $0x20
	iretq

	.balign 8
gdt:
	.quad	0
	.quad	0x00cf9a000000ffff	# 0x08 code, 32 bits
	.quad	0x00cf92000000ffff	# 0x10 data
	.quad	0x00af9a000000ffff	# 0x18 code, 64 bits
gdtr:
	.word	. - gdt - 1
	.long	gdt
idtr:
	.word	0x0fff
	.quad	0x1000

	.org	510
	.word	0xaa55
