// SPDX-License-Identifier: AGPL-3.0-or-later
// The AXI4-Lite control registers of a Vitis HLS kernel (ap_ctrl_hs) and its argument words.
//
//   0x00 CTRL  0 AP_START (R/W, cleared when taken)  1 AP_DONE (clear on read)  2 AP_IDLE  3 AP_READY (clear on read)
//              7 AUTO_RESTART (R/W)  9 INTERRUPT
//   0x04 GIER  0 global interrupt enable
//   0x08 IP_IER  0 ap_done  1 ap_ready          0x0c IP_ISR  the same bits, toggled by writing 1
//   0x10 …     ARG_WORDS argument words; those with a bit in RESERVED read as 0 and are not stored
`default_nettype none
module kernel_control #(
    parameter ADDR_WIDTH = 6,
    parameter ARG_WORDS = 9,
    parameter [ARG_WORDS-1:0] RESERVED = 0
) (
    input  wire                    clk,
    input  wire                    reset,
    input  wire                    s_axi_AWVALID,
    output wire                    s_axi_AWREADY,
    input  wire [ADDR_WIDTH-1:0]   s_axi_AWADDR,
    input  wire                    s_axi_WVALID,
    output wire                    s_axi_WREADY,
    input  wire [31:0]             s_axi_WDATA,
    input  wire [3:0]              s_axi_WSTRB,
    output wire [1:0]              s_axi_BRESP,
    output wire                    s_axi_BVALID,
    input  wire                    s_axi_BREADY,
    input  wire                    s_axi_ARVALID,
    output wire                    s_axi_ARREADY,
    input  wire [ADDR_WIDTH-1:0]   s_axi_ARADDR,
    output wire                    s_axi_RVALID,
    input  wire                    s_axi_RREADY,
    output wire [31:0]             s_axi_RDATA,
    output wire [1:0]              s_axi_RRESP,
    output wire                    interrupt,
    output wire [ARG_WORDS*32-1:0] args,
    output wire                    ap_start,
    input  wire                    ap_done,   // one cycle
    input  wire                    ap_ready,  // one cycle, with or before ap_done
    input  wire                    ap_idle
);
    localparam WORD_WIDTH = ADDR_WIDTH - 2;
    localparam [WORD_WIDTH-1:0] CTRL = 0, GIER = 1, IER = 2, ISR = 3;
    localparam [1:0] W_ADDR = 0, W_DATA = 1, W_RESP = 2;

    // write channel: address, then data, then response
    reg [1:0] wstate;
    reg [WORD_WIDTH-1:0] waddr;
    wire write = s_axi_WVALID && wstate == W_DATA;

    assign s_axi_AWREADY = wstate == W_ADDR;
    assign s_axi_WREADY = wstate == W_DATA;
    assign s_axi_BVALID = wstate == W_RESP;
    assign s_axi_BRESP = 2'b00;

    always @(posedge clk)
        if (reset) begin
            wstate <= W_RESP + 2'd1;  // no READY while in reset
            waddr <= 0;
        end else
            case (wstate)
                W_ADDR:
                    if (s_axi_AWVALID) begin
                        waddr <= s_axi_AWADDR[ADDR_WIDTH-1:2];
                        wstate <= W_DATA;
                    end
                W_DATA: if (s_axi_WVALID) wstate <= W_RESP;
                W_RESP: if (s_axi_BREADY) wstate <= W_ADDR;
                default: wstate <= W_ADDR;
            endcase

    // read channel
    reg started, rvalid;
    reg [31:0] rdata, rdata_next;
    wire read = s_axi_ARVALID && s_axi_ARREADY;
    wire [WORD_WIDTH-1:0] raddr = s_axi_ARADDR[ADDR_WIDTH-1:2];

    assign s_axi_ARREADY = started && !rvalid;
    assign s_axi_RVALID = rvalid;
    assign s_axi_RDATA = rdata;
    assign s_axi_RRESP = 2'b00;

    always @(posedge clk)
        if (reset) begin
            started <= 1'b0;
            rvalid <= 1'b0;
            rdata <= 32'd0;
        end else begin
            started <= 1'b1;
            if (read) begin
                rvalid <= 1'b1;
                rdata <= rdata_next;
            end else if (s_axi_RREADY) rvalid <= 1'b0;
        end

    // registers
    reg start, done, idle, ready, auto_restart, restarting, gie, irq;
    reg [1:0] ier, isr;
    // a run that restarts itself reports done only when the last round has ended, as Vitis' RTL does
    wire task_done = restarting ? (ap_idle && !idle) : ap_done;
    wire task_ready = ap_ready && !auto_restart;

    assign ap_start = start;
    assign interrupt = irq;

    always @(posedge clk)
        if (reset) begin
            start <= 1'b0;
            done <= 1'b0;
            idle <= 1'b1;
            ready <= 1'b0;
            auto_restart <= 1'b0;
            restarting <= 1'b0;
            gie <= 1'b0;
            ier <= 2'b00;
            isr <= 2'b00;
            irq <= 1'b0;
        end else begin
            idle <= ap_idle;
            irq <= gie && isr != 2'b00;

            if (write && waddr == CTRL && s_axi_WSTRB[0] && s_axi_WDATA[0]) start <= 1'b1;
            else if (ap_ready) start <= auto_restart;
            if (write && waddr == CTRL && s_axi_WSTRB[0]) auto_restart <= s_axi_WDATA[7];
            if (auto_restart) restarting <= 1'b1;
            else if (ap_idle) restarting <= 1'b0;

            if (task_done) done <= 1'b1;
            else if (read && raddr == CTRL) done <= 1'b0;
            if (task_ready) ready <= 1'b1;
            else if (read && raddr == CTRL) ready <= 1'b0;

            if (write && waddr == GIER && s_axi_WSTRB[0]) gie <= s_axi_WDATA[0];
            if (write && waddr == IER && s_axi_WSTRB[0]) ier <= s_axi_WDATA[1:0];
            if (ier[0] && task_done) isr[0] <= 1'b1;
            else if (write && waddr == ISR && s_axi_WSTRB[0]) isr[0] <= isr[0] ^ s_axi_WDATA[0];
            if (ier[1] && task_ready) isr[1] <= 1'b1;
            else if (write && waddr == ISR && s_axi_WSTRB[0]) isr[1] <= isr[1] ^ s_axi_WDATA[1];
        end

    genvar w;
    generate
        for (w = 0; w < ARG_WORDS; w = w + 1) begin : arg
            if (RESERVED[w]) begin : none
                assign args[w*32 +: 32] = 32'd0;
            end else begin : word
                reg [31:0] value;
                assign args[w*32 +: 32] = value;
                integer i;
                always @(posedge clk)
                    if (reset) value <= 32'd0;
                    else if (write && waddr == w + 4)
                        for (i = 0; i < 4; i = i + 1)
                            if (s_axi_WSTRB[i]) value[i*8 +: 8] <= s_axi_WDATA[i*8 +: 8];
            end
        end
    endgenerate

    integer k;
    always @* begin
        rdata_next = 32'd0;
        case (raddr)
            CTRL: begin
                rdata_next[0] = start;
                rdata_next[1] = done;
                rdata_next[2] = idle;
                rdata_next[3] = ready;
                rdata_next[7] = auto_restart;
                rdata_next[9] = irq;
            end
            GIER: rdata_next[0] = gie;
            IER: rdata_next[1:0] = ier;
            ISR: rdata_next[1:0] = isr;
            default:
                for (k = 0; k < ARG_WORDS; k = k + 1)
                    if (raddr == k + 4) rdata_next = args[k*32 +: 32];
        endcase
    end
endmodule
`default_nettype wire
